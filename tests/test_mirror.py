"""Tests mirror the package: a module is found from its test, and the test from its module."""

from __future__ import annotations

import ast
from pathlib import Path

import secureload

PACKAGE = Path(secureload.__file__).parent
TESTS = Path(__file__).parent
# Module → the test file that covers it, where that is not the one of the same name.
COVERED_BY: dict[str, str] = {
    **dict.fromkeys(
        (
            "api/readings.py",
            "api/in_process.py",
            "api/lineage.py",
            "convert/catalog.py",
            "convert/inputs.py",
            "convert/inside.py",
            "convert/outputs.py",
            "convert/written.py",
            "convert/targets/compressed.py",
            "convert/targets/pickles.py",
            "convert/targets/skops_file.py",
            "convert/targets/structured.py",
            "sandbox/converting.py",
            "sandbox/roles/convert.py",
            "sandbox/roles/needed.py",
            "sandbox/roles/numpy_files.py",
            "sandbox/roles/plain_tensors.py",
            "sandbox/roles/data_readers.py",
            "sandbox/roles/skops_model.py",
        ),
        "api/test_convert.py",
    ),
    "pickles/loose.py": "pickles/test_template.py",
    "api/compare.py": "cli/test_compare.py",
    "report/comparison.py": "cli/test_compare.py",
    "sandbox/roles/onnx_model.py": "convert/targets/test_onnx_file.py",
    "formats/structured_names.py": "api/test_convert.py",
    **dict.fromkeys(
        (
            "structured/arrays.py",
            "structured/containers.py",
            "structured/known.py",
            "structured/special.py",
        ),
        "structured/test_encoder.py",
    ),
    **dict.fromkeys(
        (
            "structured/checks/__init__.py",
            "structured/checks/boosting.py",
            "structured/checks/clusters.py",
            "structured/checks/encoders.py",
            "structured/checks/ensembles.py",
            "structured/checks/fields.py",
            "structured/checks/matrices.py",
            "structured/checks/nearest.py",
            "structured/checks/support_vectors.py",
            "structured/checks/vocabularies.py",
            "structured/kinds/expect.py",
            "structured/kinds/generators.py",
            "structured/kinds/losses.py",
            "structured/kinds/metrics.py",
            "structured/kinds/neighbors.py",
            "structured/kinds/partials.py",
            "structured/kinds/splines.py",
            "structured/kinds/trees.py",
        ),
        "structured/checks/test_forged.py",
    ),
    "__init__.py": "test_floors.py",  # what importing it imports
    "api/policy_answers.py": "cli/test_policy.py",
    "api/golden.py": "api/test_describe.py",
    "api/inputs.py": "api/test_describe.py",
    "cli/signing_key.py": "cli/test_sign.py",
    "cli/signers.py": "cli/test_sign.py",
    "cli/sign_run.py": "cli/test_sign.py",
    "cli/trust_changes.py": "cli/test_trust.py",
    "policy/requirement.py": "policy/test_attestation_rules.py",
    "signing/strict_toml.py": "signing/test_metadata_toml.py",
    "signing/bundle_parts.py": "signing/test_bundle.py",
    "signing/predicates/approval.py": "signing/predicates/test_catalog.py",
    "signing/predicates/fields.py": "signing/predicates/test_catalog.py",
    "signing/predicates/lineage.py": "signing/predicates/test_catalog.py",
    "signing/predicates/scan.py": "signing/predicates/test_catalog.py",
    "signing/predicates/timestamp.py": "signing/predicates/test_catalog.py",
    "signing/predicates/values.py": "signing/predicates/test_metadata.py",
    "artifact/folder.py": "artifact/test_artifact.py",
    "artifact/opening.py": "artifact/test_artifact.py",
    "artifact/pinning.py": "artifact/test_artifact.py",
    "formats/catalog.py": "formats/test_detect.py",
    "formats/expansion.py": "formats/test_expanding.py",
    "formats/hdf5/attributes.py": "formats/readers/test_hdf5_file.py",
    "formats/hdf5/chunks.py": "formats/readers/test_hdf5_file.py",
    "formats/hdf5/datatypes.py": "formats/readers/test_hdf5_file.py",
    "formats/hdf5/file.py": "formats/readers/test_hdf5_file.py",
    "formats/hdf5/headers.py": "formats/readers/test_hdf5_file.py",
    "formats/hdf5/heaps.py": "formats/readers/test_hdf5_file.py",
    "formats/hdf5/links.py": "formats/readers/test_hdf5_file.py",
    "formats/hdf5/signature.py": "formats/test_other_readings.py",
    "formats/hdf5/storage.py": "formats/readers/test_hdf5_file.py",
    "formats/hdf5/trees.py": "formats/readers/test_hdf5_file.py",
    "formats/flatbuffer.py": "formats/readers/test_tflite_model.py",
    "formats/proto_walk.py": "formats/readers/test_tensorflow_model.py",
    "formats/tables.py": "formats/readers/test_tf_checkpoint.py",
    "formats/tensorflow_nodes.py": "formats/readers/test_tensorflow_model.py",
    "formats/tensorflow_schema.py": "formats/readers/test_tensorflow_model.py",
    "formats/onnx_tensor.py": "formats/readers/test_onnx_model.py",
    "formats/onnx_schema.py": "formats/readers/test_onnx_model.py",
    "formats/pickle_start.py": "formats/test_detect.py",
    "formats/pieces.py": "formats/test_expanding.py",
    "formats/reading.py": "scan/test_survey.py",
    "pickles/checked.py": "pickles/test_codec.py",
    "cli/check_run.py": "cli/test_check.py",
    "cli/verify_run.py": "cli/test_verify.py",
    "cli/oms.py": "cli/test_export.py",
    "cli/begun.py": "sandbox/test_tracing.py",
    "cli/remembering.py": "sandbox/test_remembered.py",
    "cli/battery.py": "cli/test_doctor.py",
    "cli/rendering.py": "cli/test_check.py",
    "report/rule_page.py": "api/test_rule_pages.py",
    "formats/sevenzip_coders.py": "formats/readers/test_sevenzip.py",
    "formats/sevenzip_header.py": "formats/readers/test_sevenzip.py",
    "formats/zip_dialect.py": "formats/readers/test_zip_archive.py",
    "formats/zip_directory.py": "formats/readers/test_zip_archive.py",
    "formats/zip_layout.py": "formats/readers/test_zip_archive.py",
    "formats/zip_lzma.py": "formats/readers/test_zip_archive.py",
    "formats/zip_members.py": "formats/readers/test_zip_archive.py",
    "formats/zip_records.py": "formats/readers/test_zip_archive.py",
    "pickles/code_makers.py": "pickles/test_code_kept.py",
    "pickles/between.py": "scan/test_torch_legacy.py",  # a protocol: its implementations are there
    "pickles/literals.py": "pickles/test_walker.py",
    "pickles/machine.py": "pickles/test_walker.py",
    "pickles/operations.py": "pickles/test_walker.py",
    "pickles/elsewhere.py": "pickles/test_arrays.py",  # files beside it; those inside: scan/test_nested_files.py
    "pickles/recorder.py": "pickles/test_vm.py",
    "pickles/symbols.py": "pickles/test_walker.py",  # tags: what the walk does with them
    "pickles/stand_ins.py": "pickles/test_vm.py",
    "pickles/walk.py": "pickles/test_walker.py",
    "pickles/trace.py": "pickles/test_vm.py",  # values: the tests of what makes them read every field
    "sandbox/kernel.py": "sandbox/layers/test_seccomp.py",
    "sandbox/battery/attempt.py": "sandbox/battery/test_live.py",
    "sandbox/battery/columns.py": "sandbox/battery/test_settings.py",
    "sandbox/battery/early.py": "sandbox/battery/test_live.py",
    "sandbox/battery/files.py": "sandbox/battery/test_live.py",
    "sandbox/battery/memory.py": "sandbox/battery/test_live.py",
    "sandbox/battery/network.py": "sandbox/battery/test_live.py",
    "sandbox/battery/numbers.py": "sandbox/battery/test_live.py",
    "sandbox/battery/processes.py": "sandbox/battery/test_live.py",
    "sandbox/battery/surface.py": "sandbox/battery/test_live.py",
    "sandbox/battery/table.py": "sandbox/battery/test_settings.py",
    "sandbox/battery/wire.py": "sandbox/battery/test_live.py",
    "sandbox/layers/bpf.py": "sandbox/layers/test_seccomp.py",
    "sandbox/launch.py": "sandbox/test_escapes.py",
    "sandbox/loading.py": "api/test_load.py",
    "sandbox/lockdown.py": "sandbox/test_session.py",
    "sandbox/rebuilt.py": "sandbox/test_hostile_worker.py",
    "sandbox/callers.py": "sandbox/test_model.py",
    "sandbox/reference.py": "sandbox/test_model.py",
    "sandbox/roles/absent.py": "sandbox/test_tracing.py",
    "sandbox/roles/battery.py": "sandbox/battery/test_live.py",
    "sandbox/roles/fickle.py": "sandbox/test_opinions.py",
    "sandbox/roles/pinned.py": "sandbox/roles/test_loader.py",
    "sandbox/roles/readers.py": "sandbox/test_tracing.py",
    "sandbox/roles/service.py": "api/test_load.py",
    "sandbox/roles/threads.py": "api/test_estimators.py",
    "sandbox/roles/torch_loader.py": "api/test_other_libraries.py",
    "sandbox/roles/warm.py": "api/test_other_libraries.py",
    "sandbox/roles/trace.py": "api/test_check.py",
    "sandbox/worker.py": "sandbox/test_host.py",
    "sandbox/zygote.py": "sandbox/test_session.py",
    "sandbox/zygotes.py": "sandbox/test_escapes.py",
    "sandbox/wire/columns.py": "sandbox/wire/test_frames.py",
    "sandbox/wire/errors.py": "sandbox/wire/test_values.py",
    "scan/allow/boosted.py": "scan/allow/test_recorded.py",
    "scan/allow/frames.py": "scan/allow/test_containers.py",
    "scan/allow/regressions.py": "scan/allow/test_recorded.py",
    "scan/allow/standard.py": "scan/allow/test_containers.py",
    "scan/allow/tensors.py": "scan/allow/test_recorded.py",
    "scan/case.py": "scan/test_examine.py",
    "scan/finding.py": "scan/test_examine.py",
    "scan/gathered.py": "scan/test_survey.py",
    "scan/observed.py": "scan/test_examine.py",
    "scan/part.py": "scan/test_part_codec.py",
    "scan/reached.py": "scan/test_embedded.py",
    "scan/tracing.py": "scan/test_survey.py",
    "scan/nested.py": "scan/rules/test_nested_tensors.py",
    "scan/technique.py": "scan/test_dangerous.py",
}
# Folders of attacks on the package as a whole.
ACROSS = {"advisories", "attacks", "attacks_on_trust", "interop", "sandbox/escapes"}


def short(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix()


def mirrored(name: str) -> str:
    """``scan/allow/build.py`` → ``scan/allow/test_build.py``."""
    path = Path(name)
    return (path.parent / f"test_{path.name}").as_posix()


def is_trivial(path: Path) -> bool:
    """A module of a docstring, imports and constants: nothing in it is defined that could go wrong."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return not any(isinstance(node, ast.FunctionDef | ast.ClassDef) for node in tree.body)


def modules_to_test() -> list[str]:
    return sorted(short(path, PACKAGE) for path in PACKAGE.rglob("*.py") if not is_trivial(path))


def test_every_folder_of_the_package_has_its_folder_of_tests() -> None:
    folders = {short(path.parent, PACKAGE) for path in PACKAGE.rglob("*.py")} - {"."}
    missing = [name for name in sorted(folders) if not list((TESTS / name).rglob("test_*.py"))]
    assert missing == []


def test_every_module_has_its_test_or_stands_in_the_table() -> None:
    missing = [
        name
        for name in modules_to_test()
        if name not in COVERED_BY and not (TESTS / mirrored(name)).is_file()
    ]
    assert missing == []


def test_the_table_is_not_stale() -> None:
    for module, test in COVERED_BY.items():
        assert (PACKAGE / module).is_file(), f"{module} is gone"
        assert (TESTS / test).is_file(), f"{test} is gone"
        assert not (TESTS / mirrored(module)).is_file(), f"{module} has its own test now"


def test_every_test_file_of_a_folder_belongs_to_a_module_or_tells_a_story_of_its_package() -> None:
    folders = {path.parent for path in TESTS.rglob("test_*.py")} - {TESTS}
    strangers = {
        short(folder, TESTS) for folder in folders if not (PACKAGE / folder.relative_to(TESTS)).is_dir()
    }
    assert strangers <= ACROSS
