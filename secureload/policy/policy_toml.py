"""A policy as a file: TOML, unknown keys refused, and nothing that would let everything pass.

version = 1
name = "production"
reason = "what serves customers was signed, looked at by a second person, and examined"
formats = ["pickle", "safetensors"]          # what it may be; by default whatever is examined
allow = ["mycompany.features:RatioEncoder"]  # beside the allow-list that ships
require_version = true
fail_on = "warning"

[[require]]
statement = "approval"                       # signature, metadata, approval, scan, lineage
keys = 2
by = ["bob", "carol", "dora"]                # optional, as are the following
role = "approver"
max_age = "90d"
independent = true                           # the signer's own key does not count
reason = "four eyes"
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from secureload.errors import UsageError
from secureload.formats.catalog import DESCRIPTIONS
from secureload.limits import DEFAULT_LIMITS, Limits
from secureload.package_data import packaged_text
from secureload.policy.requirement import STATEMENTS, Requirement
from secureload.policy.verdict import Policy
from secureload.printable import printable
from secureload.scan.finding import Severity
from secureload.signing.strict_toml import parse_toml
from secureload.signing.truststore import ROLES

__all__ = ["PROFILES", "parse_policy_toml", "profile", "profile_text"]

PROFILES: Final = ("standard", "strict", "INSECURE-anybody-may-have-made-this-for-tests-only")
# Said in the file in so many words, so that nobody gets it by leaving something out.
_UNSIGNED: Final = "insecure_admit_what_nobody_signed"
_FIELDS: Final = frozenset(
    {"version", "name", "reason", "formats", "allow", "require_version", "fail_on", "require", _UNSIGNED}
)
_RULE_FIELDS: Final = frozenset({"statement", "keys", "role", "by", "max_age", "independent", "reason"})
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)
_AGE: Final = re.compile(r"([1-9][0-9]{0,5})([hdw])", re.ASCII)
_UNITS: Final = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
_MOST_KEYS: Final = 1_000
_TEXT_CHARS: Final = 1_000
_HINT: Final = "'secureload policy show strict' prints a policy to begin with."


def profile_text(name: str) -> str:
    """Return the file of a named profile. Raises :class:`UsageError` for a name that is none."""
    if name not in PROFILES:
        raise UsageError(
            f"there is no policy {printable(name, 60)!r}",
            hint=f"named policies: {', '.join(PROFILES)}; a file is named by its path, with a '/' or .toml",
        )
    return packaged_text("secureload.policy", f"profiles/{name}.toml")


def profile(name: str) -> Policy:
    """Return a named profile. Raises :class:`UsageError` for a name that is none."""
    return parse_policy_toml(profile_text(name), where=f"the profile {name}")


def parse_policy_toml(
    text: str | bytes, limits: Limits = DEFAULT_LIMITS, *, where: str = "the policy"
) -> Policy:
    """Parse a policy. Raises :class:`UsageError` for unknown keys, values that do not fit, and an empty one."""
    table = parse_toml(text, where=where, most_bytes=limits.policy_bytes, limit="policy_bytes", hint=_HINT)
    _check_fields(table, _FIELDS, where)
    if type(table.get("version")) is not int or table["version"] != 1:
        raise _refused(f"{where} has no version 1, which alone is known")
    name = _text(table.get("name", ""), f"{where}: name")
    if _NAME.fullmatch(name) is None:
        raise _refused(f"{where}: the name {printable(name, 60)!r} is not made of letters, digits and ._-")
    rules = _rules(table.get("require", []), where)
    unsigned = _flag(table, _UNSIGNED, where)
    if not rules and not unsigned:
        raise _refused(f"{where} requires nothing, so everything would pass: it has no [[require]]")
    if not unsigned and all(rule.statement != "signature" for rule in rules):
        raise UsageError(
            f"{where} requires no signature: other statements are about what somebody signed",
            hint='Add a rule: [[require]] with statement = "signature".',
        )
    if rules and unsigned:
        raise _refused(f"{where}: {_UNSIGNED} and [[require]] exclude each other")
    return Policy(
        name=name,
        signers=max((rule.keys for rule in rules if rule.statement == "signature"), default=0),
        fail_on=_severity(table.get("fail_on", "unknown"), where),
        requirements=rules,
        formats=_formats(table, where),
        allow=_allowed(table, where),
        require_version=_flag(table, "require_version", where),
        reason=_text(table.get("reason", ""), f"{where}: reason"),
    )


def _formats(table: Mapping[str, object], where: str) -> tuple[str, ...]:
    """Return the formats that are admitted. A list of none would read as "nothing" and mean "everything"."""
    found = _texts(table.get("formats", []), f"{where}: formats")
    if "formats" in table and not found:
        raise _refused(f"{where}: formats is empty; leave it out to admit every format")
    unknown = [name for name in found if name not in DESCRIPTIONS]
    if unknown:
        raise _refused(
            f"{where}: there is no format {printable(unknown[0], 60)!r}; formats are {', '.join(sorted(DESCRIPTIONS))}"
        )
    return found


def _allowed(table: Mapping[str, object], where: str) -> tuple[str, ...]:
    """Return the names that are allowed: exact ones, none of them dangerous."""
    found = _texts(table.get("allow", []), f"{where}: allow")
    if found:
        from secureload.scan.allowlist import AllowList  # most policies name none

        try:
            AllowList().extended_by(found)
        except UsageError as error:
            raise UsageError(f"{where}: allow: {error.message}", hint=error.hint, **error.fields) from None
    return found


def _rules(value: object, where: str) -> tuple[Requirement, ...]:
    if not isinstance(value, list) or not all(isinstance(rule, dict) for rule in value) or len(value) > 100:
        raise _refused(f"{where}: rules are written as [[require]] tables, at most 100")
    return tuple(_rule(rule, f"{where}: rule {number}") for number, rule in enumerate(value, start=1))


def _rule(rule: Mapping[str, object], where: str) -> Requirement:
    _check_fields(rule, _RULE_FIELDS, where)
    statement = _text(rule.get("statement", ""), f"{where}: statement")
    if statement not in STATEMENTS:
        raise _refused(f"{where}: statements are {', '.join(STATEMENTS)}; found {printable(statement, 40)!r}")
    keys = rule.get("keys", 1)
    if type(keys) is not int or not 1 <= keys <= _MOST_KEYS:
        raise _refused(f"{where}: keys is not a number from 1 to {_MOST_KEYS:,}")
    role = _text(rule.get("role", ""), f"{where}: role")
    if role and role not in ROLES:
        raise _refused(f"{where}: roles are {', '.join(sorted(ROLES))}; found {printable(role, 40)!r}")
    by = _texts(rule.get("by", []), f"{where}: by")
    if by and len(set(by)) < keys:
        raise _refused(f"{where}: {keys} keys are required of {len(set(by))} names, which can never be met")
    independent = _flag(rule, "independent", where, default=not STATEMENTS[statement])
    if independent and statement == "signature":
        raise _refused(f"{where}: a signature cannot be independent of the signer")
    return Requirement(
        statement=statement,
        keys=keys,
        role=role,
        by=by,
        max_age=_age(rule.get("max_age"), f"{where}: max_age"),
        independent=independent,
        reason=_text(rule.get("reason", ""), f"{where}: reason"),
    )


def _age(value: object, where: str) -> timedelta | None:
    if value is None:
        return None
    match = _AGE.fullmatch(_text(value, where))
    if match is None:
        raise _refused(f"{where} is not a span such as 12h, 90d or 4w")
    return int(match[1]) * _UNITS[match[2]]


def _severity(value: object, where: str) -> Severity:
    found = next((one for one in Severity if one.value == value), None)
    if found is None or found is Severity.DANGEROUS:
        raise _refused(f"{where}: fail_on is unknown, warning or note")
    return found


def _check_fields(table: Mapping[str, object], known: frozenset[str], where: str) -> None:
    for field in table:
        if field not in known:
            raise _refused(f"{where} has an unknown key {printable(field, 60)!r}", field=field)


def _flag(table: Mapping[str, object], field: str, where: str, *, default: bool = False) -> bool:
    value = table.get(field, default)
    if not isinstance(value, bool):
        raise _refused(f"{where}: {field} is not true or false")
    return value


def _text(value: object, where: str) -> str:
    if not isinstance(value, str) or len(value) > _TEXT_CHARS or not value.isprintable():
        raise _refused(f"{where} is not one printable line of at most {_TEXT_CHARS:,} characters")
    return value


def _texts(value: object, where: str) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise _refused(f"{where} is not a list of texts")
    found = tuple(_text(item, where) for item in value)
    if "" in found or len(set(found)) != len(found):
        raise _refused(f"{where} has an empty or repeated text")
    return found


def _refused(message: str, **fields: object) -> UsageError:
    return UsageError(message, hint=_HINT, **fields)
