"""The quality report as one HTML page that needs nothing else; each finding opens the thing it is about in the viewer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from string import Template
from typing import Any
from urllib.parse import quote

from importers.quality import Quality
from twin.console import percent
from twin.i18n import message

LISTED = 200  # findings of one check on the page; the JSON holds all
_MARKS = {"error": "✗", "warning": "▲", "info": "·"}

_PAGE = Template("""<!doctype html>
<html lang="$lang"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>$title</title><style>
:root{--ink:#17212b;--dim:#5f6b78;--line:#dfe4ea;--good:#1d8a5b;--warn:#a35f00;--bad:#c8322b;--ground:#fff;--brand:#0b6bcb}
@media (prefers-color-scheme:dark){:root{--ink:#e7eef5;--dim:#8fa1b3;--line:#2c3d4f;--good:#4cc38a;--warn:#e8a33d;--bad:#ff6b64;
--ground:#131c26;--brand:#4aa8ff}}
body{font:14px/1.6 "Noto Sans CJK SC","PingFang SC","Microsoft YaHei",system-ui,sans-serif;color:var(--ink);background:var(--ground);
margin:40px auto;max-width:1080px;padding:0 24px}
h1{font-size:22px;margin:0 0 4px}h2{font-size:16px;margin:40px 0 8px}p{color:var(--dim);margin:0 0 24px}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th,td{text-align:left;padding:8px 12px 8px 0;border-bottom:1px solid var(--line);vertical-align:top}
th{color:var(--dim);font-weight:600;white-space:nowrap}
.n{text-align:right;white-space:nowrap}.good{color:var(--good)}.warn{color:var(--warn)}.bad{color:var(--bad)}.dim,small{color:var(--dim)}
small{display:block}a{color:var(--brand);text-decoration:none}a:hover,a:focus{text-decoration:underline}
details{border-bottom:1px solid var(--line);padding:6px 0}summary{cursor:pointer;padding:4px 0}summary b{font-weight:600}
summary span{color:var(--dim);margin-left:8px}ul{list-style:none;margin:4px 0 12px;padding:0 0 0 20px}li{padding:3px 0}
.bar{display:inline-block;width:72px;height:6px;border-radius:3px;background:var(--line);vertical-align:middle;margin-right:8px;overflow:hidden}
.bar i{display:block;height:100%;background:currentColor}
@media print{body{margin:0;max-width:none}details{break-inside:avoid}}
</style></head><body><h1>$title</h1><p>$subtitle</p>
<table><thead><tr>$head</tr></thead><tbody>
$rows
</tbody></table>
$groups
</body></html>
""")


def quality_html(quality: Quality, lang: str, *, viewer: str = "") -> str:
    """The report as a whole HTML document.

    Parameters
    ----------
    quality
        The report.
    lang
        `en` or `zh`.
    viewer
        The address of the viewer that the findings open in; empty where the page is served beside it.
    """
    document = quality.document(lang)
    checks = document["checks"]
    columns = ("quality_check", "quality_examined", "quality_share", "quality_findings", "quality_figures")
    return _PAGE.substitute(
        lang={"zh": "zh-CN"}.get(lang, lang),
        title=escape(message("quality_report", lang, subject=quality.park)),
        subtitle=escape(message("quality_subtitle", lang, at=quality.at, revision=quality.revision)),
        head="".join(f"<th{_right(name)}>{escape(message(f'column_{name}', lang))}</th>" for name in columns),
        rows="\n".join(_row(k, check, lang) for k, check in enumerate(checks)),
        groups="\n".join(_group(group, checks, lang, viewer) for group in document["groups"]),
    )


def _right(column: str) -> str:
    return ' class="n"' if column in {"quality_examined", "quality_findings"} else ""


def _row(k: int, check: Mapping[str, Any], lang: str) -> str:
    share = check["share"]
    look = "dim" if share is None else "good" if share >= 0.995 else "warn" if share >= 0.8 else "bad"
    bar = "" if share is None else f'<span class="bar"><i style="width:{share * 100:.1f}%"></i></span>'
    figures = " · ".join(f"{message(f'quality_figure_{name}', lang)} {value}" for name, value in check["figures"].items())
    return (
        f'<tr><td><a href="#check-{k}">{escape(check["title"])}</a></td><td class="n">{check["examined"]:,}</td>'
        f'<td class="{look}">{bar}{percent(share)}</td><td class="n">{len(check["findings"]):,}</td>'
        f'<td class="dim">{escape(figures)}</td></tr>'
    )


def _group(group: Mapping[str, Any], checks: Sequence[Mapping[str, Any]], lang: str, viewer: str) -> str:
    own = [(k, check) for k, check in enumerate(checks) if check["group"] == group["id"]]
    return f"<h2>{escape(group['title'])}</h2>" + "\n".join(_check(k, check, lang, viewer) for k, check in own)


def _check(k: int, check: Mapping[str, Any], lang: str, viewer: str) -> str:
    findings = check["findings"]
    ranked = sorted(findings, key=lambda finding: list(_MARKS).index(finding["severity"]))
    lines = [f"<li>{_finding(finding, lang, viewer)}</li>" for finding in ranked[:LISTED]]
    if len(findings) > LISTED:
        lines.append(f'<li class="dim">{escape(message("import_more", lang, count=len(findings) - LISTED))}</li>')
    hint = f"<small>{escape(findings[0]['hint'])}</small>" if findings and findings[0]["hint"] else ""
    none = "" if findings else f'<ul><li class="dim">{escape(message("quality_nothing", lang))}</li></ul>'
    counted = message("quality_counted", lang, found=len(findings), examined=check["examined"])
    listed = f"<ul>{''.join(lines)}</ul>" if lines else ""
    is_open = " open" if any(finding["severity"] != "info" for finding in findings) else ""
    summary = f"<summary><b>{escape(check['title'])}</b><span>{escape(counted)}</span></summary>"
    return f'<details id="check-{k}"{is_open}>{summary}{hint}{none}{listed}</details>'


def _finding(finding: Mapping[str, Any], lang: str, viewer: str) -> str:
    look = {"error": "bad", "warning": "warn"}.get(finding["severity"], "dim")
    said = f'<span class="{look}">{_MARKS[finding["severity"]]}</span> {escape(finding["message"])}'
    target = finding["target"]
    if target is None or not target["id"]:
        return said
    address = f"{viewer.rstrip('/')}/?select={quote(target['type'] + ':' + target['id'], safe='')}"
    return f'{said} <a href="{escape(address)}">{escape(message("quality_open", lang))}</a>'
