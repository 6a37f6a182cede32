"""A scorecard as one HTML page that prints well and needs nothing else."""

from __future__ import annotations

from html import escape
from string import Template
from typing import Any

from twin.console import figure, interval
from twin.i18n import message

_SHAPES = {"pass": "●", "partial": "◐", "fail": "▲", "undecided": "◇", "not_applicable": "–", "not_measured": "?"}

_PAGE = Template("""<!doctype html>
<html lang="$lang"><head><meta charset="utf-8"><title>$title</title><style>
body{font:14px/1.6 "Noto Sans CJK SC","PingFang SC","Microsoft YaHei",system-ui,sans-serif;color:#17212b;
margin:40px auto;max-width:1080px;padding:0 24px}
h1{font-size:22px;margin:0 0 4px}p{color:#5f6b78;margin:0 0 24px}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th,td{text-align:left;padding:10px 12px 10px 0;border-bottom:1px solid #dfe4ea;vertical-align:top}
th{color:#5f6b78;font-weight:600;white-space:nowrap}
.n{text-align:right;white-space:nowrap}.v{white-space:nowrap;font-weight:600}.pass{color:#1d8a5b}.partial,.undecided{color:#a35f00}.fail{color:#c8322b}
.not_applicable,.not_measured{color:#5f6b78}small{color:#5f6b78;display:block}tfoot td{font-weight:600;border:0}code{font-size:12px}
@media print{body{margin:0;max-width:none}}
</style></head><body><h1>$title</h1><p>$subtitle</p><table><thead><tr>$head</tr></thead><tbody>
$rows
</tbody><tfoot><tr><td colspan="7">$total</td></tr></tfoot></table></body></html>
""")


def scorecard_html(card: dict[str, Any], lang: str) -> str:
    """The scorecard as a whole HTML document in `lang`."""
    names = ("clause", "title", "value", "interval", "threshold", "points", "verdict")
    low, high = card["totals"]["points"]
    return _PAGE.substitute(
        lang={"zh": "zh-CN"}.get(lang, lang),
        title=escape(f"{card['park']} · {card[f'title_{lang}']}"),
        subtitle=escape(f"{card['pack']} · {card['edition']} · {card['at']}"),
        head="".join(f"<th>{escape(message(f'column_{name}', lang))}</th>" for name in names),
        rows="\n".join(_row(row, lang) for row in card["indicators"]),
        total=escape(message("score_total", lang, low=f"{low:g}", high=f"{high:g}", best=f"{card['totals']['max_points']:g}")),
    )


def _row(row: dict[str, Any], lang: str) -> str:
    unit = row.get("unit", "1")  # a scorecard of an earlier version has shares alone
    title = f"{escape(row[f'title_{lang}'])}<small>{escape(row[f'note_{lang}'])}</small><code>{escape(row['run'] or '')}</code>"
    verdict = f"{_SHAPES[row['verdict']]} {escape(message('verdict_' + row['verdict'], lang))}"
    cells = [
        f"<td>{escape(row['clause'])}</td>",
        f"<td>{title}</td>",
        f'<td class="n">{figure(row["value"], unit, 2)}</td>',
        f'<td class="n">{interval(row["lower"], row["upper"], unit, 2)}</td>',
        f'<td class="n">≥ {figure(row["threshold"], unit)}</td>',
        f'<td class="n">{row["points"][0]:g}–{row["points"][1]:g} / {row["max_points"]:g}</td>',
        f'<td class="v {row["verdict"]}">{verdict}</td>',
    ]
    return f"<tr>{''.join(cells)}</tr>"
