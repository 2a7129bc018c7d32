"""Converters: what turns an admitted model into another format, and proves that nothing changed."""
