from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secureload.errors import LimitError
from secureload.formats.chat_template import is_template, template_events
from secureload.formats.item_count import ItemCount
from secureload.limits import DEFAULT_LIMITS, Limits

CHATML = """{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}{% endfor %}
{%- if add_generation_prompt %}{{- '<|im_start|>assistant\n' }}{%- endif %}"""  # noqa: E501
# The turns of phrase of llama, mistral, qwen, gemma, command-r, deepseek, gpt-oss, granite templates.
ORDINARY = {
    "chatml": CHATML,
    "roles must alternate": "{{ bos_token }}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('Conversation roles must alternate user/assistant/…') }}{% endif %}",
    "namespace": "{%- set ns = namespace(found=false, _x=1) %}{% set ns.found = true %}{% set _ = tools.append(x) %}",
    "macro": "{%- macro render(x, indent='  ') -%}{{ indent ~ x | tojson(indent=4) | indent(4) }}{%- endmacro -%}",
    "dates": "{{ strftime_now('%d %b %Y') }} {{ '%s: %d' % (name, 3) }} {{ '{} of {}'.format(a, b) }}",
    "filters": "{{ messages | selectattr('role', 'equalto', 'user') | map(attribute='content') | join('\n') }}",
    "subscripts": "{{ messages[0]['content'][1:] }}{{ messages[loop.index0 + 1].role }}{{ x.split('</think>')[-1] }}",
    "underscores": "{{ name.replace('_', ' ') }}{{ '_' in name }}{{ 'tool_calls' in m }}{% set _ = x.pop() %}",
    "dictionaries": "{{ {'role': 'system', 'content': x}['role'] }}{% for k, v in args.items() %}{{ k }}{% endfor %}",
    "tests": "{% if x is defined and x is not none and x is mapping and x is string %}{% break %}{% endif %}",
    "generation": "{% generation %}{{ message['content'] | trim }}{% endgeneration %}",
    "system of the machine": "{{ environment.os }} {{ system }} {{ message.system }} {{ 'eval' }} {{ exec }}",
    "comment": "{# never write {{ x.__class__ }} #}{{ x }}",
    "text": "A plain text that speaks of __class__ and of os.popen('x').",
}  # fmt: skip
ESCAPES = {
    "CVE-2024-34359": "{% for c in [].__class__.__base__.__subclasses__() %}{% if c.__name__ == 'catch_warnings' %}"
    "{{ c.__init__.__globals__['__builtins__']['__import__']('os').popen('echo hello').read() }}"
    "{% endif %}{% endfor %}",
    "cycler": "{{ cycler.__init__.__globals__.os.popen('echo hello').read() }}",
    "joiner in brackets": "{{ joiner['__init__']['__globals__'] }}",
    "namespace": "{{ namespace.__init__.__globals__ }}",
    "lipsum": "{{ lipsum['__glob' ~ 'als__'] }}",
    "lipsum through attr": "{{ (lipsum|attr(x))['os'] }}",
    "self": "{{ self._TemplateReference__context }}",
    "attr": "{{ x|attr('__class__') }}",
    "attr of a computed name": "{{ x|attr(['_'*2, 'class', '_'*2]|join) }}",
    "attr mapped": "{{ [x]|map('attr', y)|list }}",
    "attribute of map": "{{ [x]|map(attribute='__class__')|list }}",
    "attribute of a part": "{{ [x]|sum(attribute='a._b') }}",
    "hexadecimal": r"{{ x['\x5f\x5fclass\x5f\x5f'] }}",
    "octal": r"{{ x['\137\137class\137\137'] }}",
    "unicode": r"{{ x['\u005f_class_\u005f'] }}",
    "format": "{{ '{0.__class__.__mro__}'.format(x) }}",
    "pieces": "{% set a = '__cla' %}{% set b = 'ss__' %}{{ x[a ~ b] }}",
    "keyword": "{{ dict(__class__=x)|join }}",
    "frame": "{{ gen.gi_frame.f_back.f_globals }}",
    "mro": "{{ x.mro() }}",
    "popen": "{{ y.popen('echo hello') }}",
    "imported": "{{ y.import_module('os') }}",
    "in a macro": "{% macro m(x=''.__class__) %}{% endmacro %}",
    "in a call of a filter": "{{ x | default(''.__class__) }}",
    "in a raw block that ends too early": "{% raw %}{% endraw %}{{ ''.__class__ }}",
    "after a comment": "{# #}{{ ''.__class__ }}",
    "private": "{{ x._private }}",
    "before damage": "{{ ''.__class__ }}{{",
    "in damage": "{{ ? ''.__class__ }}",
}


def codes(template: str) -> set[str]:
    return {event.code for event in template_events(template, "t", ItemCount(DEFAULT_LIMITS))}


@pytest.mark.parametrize("name", ORDINARY)
def test_what_prompts_are_written_with_has_nothing_to_say(name: str) -> None:
    assert list(template_events(ORDINARY[name], "tokenizer.chat_template", ItemCount(DEFAULT_LIMITS))) == []


@pytest.mark.parametrize("name", ESCAPES)
def test_a_way_out_of_the_template_is_an_escape(name: str) -> None:
    assert "template.escape" in codes(ESCAPES[name])


@pytest.mark.parametrize(
    ("template", "code"),
    [
        ("{{ x['a' ~ b] }}", "computed"),
        ("{{ x[('a', b)|join] }}", "computed"),
        ("{{ x['ssalc'|reverse] }}", "computed"),
        ("{{ '_' * 2 ~ name }}", "computed"),
        ("{{ pattern.format(x) }}", "computed"),
        ("{{ x|attr('role') }}", "computed"),
        ("{{ lipsum() }}", "computed"),
        ("{% include 'other' %}", "other-file"),
        ("{%- from 'other' import x %}", "other-file"),
        ("{% import other as y %}", "other-file"),
        ("{{ x", "broken"),
    ],
)
def test_what_a_prompt_does_not_need_stands_out(template: str, code: str) -> None:
    assert codes(template) == {f"template.{code}"}


def test_the_place_is_shown() -> None:
    (event,) = template_events(
        "x" * 5_000 + "{{ y.__class__ }}" + "x" * 5_000,
        "tokenizer.chat_template",
        ItemCount(DEFAULT_LIMITS),
        77,
    )
    assert event.offset == 77
    assert "y.__class__" in event.detail
    assert len(event.detail) <= 120
    assert event.message == "the template 'tokenizer.chat_template' reads the inner attribute __class__"


def test_a_text_without_code_is_no_template() -> None:
    assert not is_template(b"{ x } % #")
    assert is_template(b"a {{ x }}")
    assert is_template(b"{% x %}")


@pytest.mark.parametrize(
    "piece", ["{{ x['", "{{ x[", "a['b'][", "{{ x|", "{{ '__", "{{ x.__class__ }}", "{{ (("]
)
def test_a_large_template_is_judged_in_one_pass(piece: str) -> None:
    for event in template_events(piece * (200_000 // len(piece)), "t", ItemCount(DEFAULT_LIMITS)):
        assert event.message


def test_what_is_longer_than_any_template_is_not_passed_over() -> None:
    assert codes("{{ x }}" + "a" * 1_000_000) == {"template.too-long"}
    assert codes("{{ x.__class__ }}" + "a" * 1_000_000) == {"template.too-long", "template.escape"}
    with pytest.raises(LimitError, match="structure_items"):
        list(template_events("{{ x }}" * 10, "t", ItemCount(Limits(structure_items=20))))


PIECES = st.lists(st.sampled_from(list(ESCAPES.values()))).map("".join)


@given(st.text(alphabet="{}%#'\"\\-ab_.[]()|~ \n") | st.text() | PIECES)
def test_any_text_is_judged(template: str) -> None:
    assert codes(template) <= {f"template.{code}" for code in ("escape", "computed", "other-file", "broken")}
