"""Artifacts: opened once without following links, hashed while they are pinned, admitted by a verdict."""
