"""Streams that other parsers read differently, do not read to the end, or give up on."""

from __future__ import annotations

import pickle
import struct
from pathlib import Path

import cloudpickle
import pytest

from secureload.pickles.assembler import Assembler
from secureload.scan.finding import Severity

from .checking import EVIL, call, dangerous, names, not_accepted

SYSTEM = "os.system('echo hello')"
# A payload, its result thrown away: what stands behind it can no longer undo it.
DONE = EVIL[:-1] + pickle.POP


def short_string(text: str) -> bytes:
    return pickle.SHORT_BINSTRING + bytes([len(text)]) + text.encode()


def test_GHSA_9gvj_pp9x_gcfr_names_of_a_stack_global_by_the_string_opcodes_of_python_2(
    tmp_path: Path,
) -> None:
    for module, name in (
        (pickle.STRING + b"'os'\n", pickle.STRING + b"'system'\n"),
        (short_string("os"), short_string("system")),
        (pickle.UNICODE + b"os\n", pickle.UNICODE + b"system\n"),
    ):
        code = Assembler(4).raw(module).put(0).raw(name).put(1).pop().pop().get(0).get(1)
        data = code.raw(pickle.STACK_GLOBAL).mark().text("echo hello").tuple_().reduce().stop()
        assert names(dangerous(tmp_path, data), SYSTEM)


def test_GHSA_9gvj_pp9x_gcfr_names_that_do_not_stand_before_the_opcode_that_uses_them(tmp_path: Path) -> None:
    code = Assembler(4).text("system").memoize().text("os").memoize().text("collections").text("OrderedDict")
    code = code.pop().pop().pop().pop().get(1).get(0).text("decoy").pop().raw(pickle.STACK_GLOBAL)
    assert names(dangerous(tmp_path, code.mark().text("echo hello").tuple_().reduce().stop()), SYSTEM)


@pytest.mark.parametrize(
    "tail",
    [
        Assembler(None).text("os").memoize().raw(pickle.BINGET + b"\x63").get(0).raw(pickle.STACK_GLOBAL).stop(),
        Assembler(None).raw(pickle.BINGET + b"\xff").stop(),
        Assembler(None).raw(pickle.GET + b"99\n").stop(),
        Assembler(None).binary(b"os").text("system").raw(pickle.STACK_GLOBAL).stop(),
        Assembler(None).integer(42).text("os").raw(pickle.STACK_GLOBAL).stop(),
        Assembler(None).text("os").raw(pickle.BYTEARRAY8 + struct.pack("<Q", 6) + b"system")
        .raw(pickle.STACK_GLOBAL).stop(),
        Assembler(None).none().none().raw(pickle.STACK_GLOBAL).stop(),
        Assembler(None).mark().list_().text("x").raw(pickle.STACK_GLOBAL).stop(),
    ],
    ids=[
        "picklescan-0.0.32-missing-memo-key", "modelscan-338-missing-memo-key", "modelscan-345-missing-memo-key",
        "picklescan-0.0.32-bytes-for-a-module", "picklescan-0.0.32-number-for-a-module",
        "modelscan-338-unhashable-name", "modelscan-356-none-for-a-name", "modelscan-338-list-for-a-module",
    ],
)  # fmt: skip
def test_a_tail_on_which_a_parser_fails_hides_nothing(tail: bytes, tmp_path: Path) -> None:
    assert names(dangerous(tmp_path, DONE + tail), SYSTEM)


@pytest.mark.parametrize(
    "tail",
    [
        b"X",
        b"\x8c\xff",
        b"\x8d",
        b"\x00",
        b"\xff" * 40,
        b"c",
        b"cos",
        b"I",
        b"\x95",
        b"",
        b"(((((",
        b"1" * 40,
    ],
    ids=lambda value: f"modelscan-338-{value.hex()[:12] or 'nothing'}",
)
def test_a_payload_before_bytes_that_are_no_opcodes_is_found(tail: bytes, tmp_path: Path) -> None:
    assert names(dangerous(tmp_path, DONE + tail), SYSTEM)


def test_picklescan_0_0_13_a_memo_that_is_overwritten(tmp_path: Path) -> None:
    code = (
        Assembler(4).text("collections").put(0).pop().text("os").put(0).pop().text("OrderedDict").put(1).pop()
    )
    code = code.text("system").put(1).pop().get(0).get(1).raw(pickle.STACK_GLOBAL)
    assert names(dangerous(tmp_path, code.mark().text("echo hello").tuple_().reduce().stop()), SYSTEM)


def test_picklescan_0_0_12_a_call_by_INST(tmp_path: Path) -> None:
    data = Assembler(0).mark().raw(b"Vecho hello\n").raw(pickle.INST + b"os\nsystem\n").stop()
    assert names(dangerous(tmp_path, data), SYSTEM)


def test_GHSA_mxhj_88fx_4pcv_a_call_by_OBJ_whose_result_is_popped(tmp_path: Path) -> None:
    code = Assembler(2).mark().global_("os", "system").text("echo hello").raw(pickle.OBJ).pop()
    assert names(dangerous(tmp_path, code.none().stop()), SYSTEM)


def test_GHSA_mhc9_48gj_9gp3_a_call_whose_result_is_built(tmp_path: Path) -> None:
    code = Assembler(4).stack_global("smtplib", "SMTP").mark().text("localhost").tuple_().reduce()
    found = dangerous(tmp_path, code.empty_dict().build().stop())
    assert names(found, "smtplib.SMTP('localhost')")
    planted = Assembler(4).stack_global("io", "BytesIO").mark().tuple_().reduce()
    planted = planted.mark().text("__setstate__").stack_global("os", "system").dict_().build()
    assert names(dangerous(tmp_path, planted.stop()), "os.system")


def test_GHSA_h4rm_mm56_xf63_an_import_of_builtins(tmp_path: Path) -> None:
    data = Assembler(0).global_("__builtin__", "exec").mark().text("pass").tuple_().reduce().stop()
    assert names(dangerous(tmp_path, data), "builtins.exec('pass')")


def test_fickling_196_a_structure_that_holds_itself(tmp_path: Path) -> None:
    code = Assembler(4).mark().list_().memoize().get(0).raw(pickle.APPEND).pop()
    code = code.stack_global("os", "system").mark().get(0).tuple_().reduce()
    assert names(dangerous(tmp_path, code.stop()), "os.system")


@pytest.mark.parametrize("frame", [0, 1, 5, 20, 1 << 20, (1 << 64) - 1])
def test_fickling_317_a_frame_that_lies_about_its_length(frame: int, tmp_path: Path) -> None:
    data = b"\x80\x04" + pickle.FRAME + struct.pack("<Q", frame) + EVIL[2:]
    assert not_accepted(tmp_path, data)
    if frame == 0:
        assert names(dangerous(tmp_path, data), SYSTEM)


def test_fickling_317_a_payload_behind_a_frame_that_ends_within_an_argument(tmp_path: Path) -> None:
    text = pickle.SHORT_BINUNICODE + b"\x04abcd" + pickle.POP
    data = b"\x80\x04" + pickle.FRAME + struct.pack("<Q", 3) + text + EVIL[2:]
    assert not_accepted(tmp_path, data)


def test_GHSA_cffv_grgg_g429_an_import_that_one_analysis_reports_is_not_lost_to_the_next(
    tmp_path: Path,
) -> None:
    code = Assembler(4).stack_global("unheard.of", "Thing").pop().stack_global("unheard.of", "Thing").pop()
    code = code.stack_global("os", "system").pop().stack_global("os", "system").mark().text("echo hello")
    found = not_accepted(tmp_path, code.tuple_().reduce().stop())
    assert names(found, "unheard.of.Thing")
    assert names(found, SYSTEM)


def test_modelscan_330_a_function_of_numpy_that_is_given_the_builtins(tmp_path: Path) -> None:
    code = (
        Assembler(4).stack_global("numpy", "size").put(0).stack_global("numpy", "__builtins__").put(1).pop()
    )
    code = code.empty_dict().empty_dict().text("shape").get(1).raw(pickle.SETITEM + pickle.TUPLE2).build()
    code = code.get(0).pop().get(0).text("eval").raw(pickle.TUPLE2).reduce().text("1").raw(pickle.TUPLE1)
    found = dangerous(tmp_path, code.reduce().stop())
    assert {"SL101", "SL107", "SL106"} <= {item.rule_id for item in found}


def test_modelscan_338_an_attribute_of_a_function_that_names_the_module(tmp_path: Path) -> None:
    code = Assembler(4).stack_global("numpy", "prod").none().mark().text("a").text("os").dict_()
    code = code.raw(pickle.TUPLE2).build().pop().stack_global("numpy", "prod.a").put(0).text("system").put(1)
    code = code.pop().pop().get(0).get(1).raw(pickle.STACK_GLOBAL).mark().text("echo hello").tuple_()
    assert "SL107" in {item.rule_id for item in dangerous(tmp_path, code.reduce().stop())}


def test_modelscan_338_a_global_by_a_number_of_the_extension_registry(tmp_path: Path) -> None:
    code = Assembler(2).global_("copyreg", "add_extension").mark().text("os").text("system").integer(240)
    code = code.tuple_().reduce().pop().raw(pickle.EXT1 + bytes([240])).mark().text("echo hello").tuple_()
    found = dangerous(tmp_path, code.reduce().stop())
    assert {"SL101", "SL109"} <= {item.rule_id for item in found}


def test_modelscan_338_a_walk_from_a_harmless_object_to_the_builtins(tmp_path: Path) -> None:
    code = Assembler(4).stack_global("builtins", "getattr").put(0).stack_global("builtins", "object")
    code = code.text("__subclasses__").raw(pickle.TUPLE2).reduce().mark().tuple_().reduce()
    found = dangerous(tmp_path, code.stop())
    assert {"SL104", "SL106"} <= {item.rule_id for item in found}


def code_object(module: str, name: str) -> bytes:
    """A code object whose names are ("os", "system"), made by hand for another version of Python."""
    code = Assembler(4).stack_global(module, name).mark()
    for number in (0, 0, 0, 1, 3, 67):
        code = code.integer(number)
    code = code.binary(b"d\x01d\x00l\x00}\x00|\x00\xa0\x01d\x02\xa1\x01\x01\x00d\x00S\x00")
    code = code.mark().none().integer(0).text("echo hello").tuple_().mark().text("os").text("system").tuple_()
    code = code.mark().text("os").tuple_().text("f.py").text("payload").integer(11).binary(b"\x08\x01")
    return code.mark().tuple_().mark().tuple_().tuple_().reduce().stop()


def test_GHSA_9m3x_qqw2_h32h_code_that_is_made_of_bytes_and_called(tmp_path: Path) -> None:
    found = dangerous(tmp_path, code_object("types", "CodeType"))
    assert {"SL101", "SL111"} <= {item.rule_id for item in found}
    assert names(found, "spawns processes")
    function = code_object("types", "CodeType")[2:-1]
    code = (
        Assembler(4).stack_global("types", "FunctionType").mark().raw(function).empty_dict().tuple_().reduce()
    )
    called = dangerous(tmp_path, code.mark().tuple_().reduce().stop())
    assert "SL106" in {item.rule_id for item in called}


def test_GHSA_9m3x_qqw2_h32h_a_function_by_cloudpickle_that_starts_a_program(tmp_path: Path) -> None:
    def payload() -> None:
        import os

        os.system("echo hello")

    payload.__module__ = "__main__"
    data = cloudpickle.dumps(payload)
    found = dangerous(tmp_path, data)
    assert [item.rule_id for item in found] == ["SL111"]
    assert names(found, "system")
    called = data[:-1] + pickle.EMPTY_TUPLE + pickle.REDUCE + pickle.STOP
    assert "SL106" in {item.rule_id for item in dangerous(tmp_path, called)}


def test_code_by_value_without_a_telling_name_is_undecided_whatever_it_does(tmp_path: Path) -> None:
    def quiet(x: int) -> int:
        return x + 1

    quiet.__module__ = "__main__"
    found = not_accepted(tmp_path, cloudpickle.dumps(quiet))
    assert {item.severity for item in found} == {Severity.UNKNOWN}


@pytest.mark.parametrize(
    ("module", "name", "argument"),
    [
        ("yaml", "unsafe_load", "!!python/object/apply:os.system [echo hello]"),
        ("pickle", "loads", "…"),
        ("torch.storage", "_load_from_bytes", "…"),
        ("joblib", "load", "elsewhere.pkl"),
        ("zlib", "decompress", "…"),
    ],
    ids=lambda value: f"modelscan-338-{value}",
)
def test_a_payload_inside_of_the_argument_is_never_accepted(
    module: str, name: str, argument: str, tmp_path: Path
) -> None:
    data = Assembler(4).stack_global(module, name).mark().text(argument).tuple_().reduce().stop()
    found = not_accepted(tmp_path, data)
    assert (found[0].severity is Severity.DANGEROUS) is (module != "zlib")


def test_modelscan_338_text_that_is_decoded_and_executed(tmp_path: Path) -> None:
    code = Assembler(4).stack_global("builtins", "exec").mark().stack_global("zlib", "decompress")
    code = code.mark().binary(b"x\x9c").tuple_().reduce().tuple_().reduce()
    found = dangerous(tmp_path, code.stop())
    assert names(found, "builtins.exec(<result of zlib.decompress>)")


def test_GHSA_vvpj_8cmc_gx39_a_function_that_is_found_by_a_text(tmp_path: Path) -> None:
    code = Assembler(4).stack_global("pkgutil", "resolve_name").mark().text("os:system").tuple_().reduce()
    found = dangerous(tmp_path, code.mark().text("echo hello").tuple_().reduce().stop())
    assert {"SL101", "SL106"} <= {item.rule_id for item in found}
    assert names(found, "os:system")


def test_GHSA_655q_fx9r_782v_a_partial_of_what_runs_code(tmp_path: Path) -> None:
    code = Assembler(4).stack_global("functools", "partial").mark().stack_global("os", "system")
    found = dangerous(tmp_path, code.text("echo hello").tuple_().reduce().mark().tuple_().reduce().stop())
    assert names(found, "os.system")
    assert {"SL101", "SL106"} <= {item.rule_id for item in found}


def test_many_pickles_one_after_another_are_all_read(tmp_path: Path) -> None:
    data = pickle.dumps([1, 2]) * 30 + call("os", "system") + pickle.dumps({})
    assert names(dangerous(tmp_path, data), SYSTEM)
