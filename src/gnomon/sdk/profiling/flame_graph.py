"""A flame graph as SVG: each box a function, as wide as the share of samples that it was on the stack."""

from dataclasses import dataclass, field
from html import escape
from zlib import crc32

from gnomon.sdk.profiling.stacks import Stacks

_WIDTH = 1200.0
_ROW = 17
_HEAD = 48
_NARROWEST = 0.3
_LETTER = 6.6

# Click a box to widen it, and the lowest one to go back; the text below tells what the pointer is on.
_SCRIPT = """
const boxes=[...document.querySelectorAll('g[data-x]')],W=%(width)s;
function zoom(x,w,d){for(const b of boxes){const bx=+b.dataset.x,bw=+b.dataset.w,above=+b.dataset.d<d,
 out=above?(bx>x+1e-6||bx+bw<x+w-1e-6):(bx<x-1e-6||bx+bw>x+w+1e-6);b.style.display=out?'none':'';if(out)continue;
 const nx=above?0:(bx-x)/w*W,nw=above?W:bw/w*W,r=b.children[1],t=b.children[2];
 r.setAttribute('x',nx);r.setAttribute('width',Math.max(nw-.5,.2));t.setAttribute('x',nx+3);
 const n=Math.floor((nw-6)/%(letter)s),s=b.dataset.n;t.textContent=n<3?'':s.length<=n?s:s.slice(0,n-1)+'…';}}
for(const b of boxes){b.addEventListener('click',()=>zoom(+b.dataset.x,+b.dataset.w,+b.dataset.d));
 b.addEventListener('mouseover',()=>{document.getElementById('told').textContent=b.children[0].textContent;});}
"""


@dataclass(slots=True)
class _Box:
    count: int = 0
    inner: "dict[str, _Box]" = field(default_factory=dict)


def render(stacks: Stacks, title: str, note: str = "") -> str:
    """Return a page-wide SVG, the outermost call on top; its note says what the reader must know."""
    root = _Box(stacks.total)
    depth = 0
    for stack, count in stacks.counts.items():
        box = root
        for frame in stack:
            box = box.inner.setdefault(frame, _Box())
            box.count += count
        depth = max(depth, len(stack))
    height = _HEAD + (depth + 1) * _ROW + 30
    parts = [
        f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH:.0f} {height}" width="100%"
 preserveAspectRatio="xMinYMin" font-family="ui-monospace,monospace" font-size="11">
<rect width="100%" height="100%" fill="#fff"/>
<text x="8" y="18" font-size="14">{escape(title)}</text>
<text x="8" y="36" fill="#555">{escape(note)}</text>
<text id="told" x="8" y="{height - 10}" fill="#333"></text>"""
    ]
    if stacks.total:
        _draw(parts, "all", root, 0.0, 0, stacks.total)
    else:
        parts.append(f'<text x="8" y="{_HEAD + 14}">No samples: nothing was running.</text>')
    script = _SCRIPT % {"width": _WIDTH, "letter": _LETTER}
    parts.append(f"<script><![CDATA[{script}]]></script></svg>")
    return "\n".join(parts)


def _draw(parts: list[str], name: str, box: _Box, x: float, depth: int, total: int) -> None:
    width = box.count / total * _WIDTH
    if width < _NARROWEST:
        return
    letters = int((width - 6) / _LETTER)
    shown = name if len(name) <= letters else f"{name[: letters - 1]}…" if letters > 2 else ""  # noqa: PLR2004
    y = _HEAD + depth * _ROW
    label = f"{name}: {box.count} samples, {box.count / total:.1%}"
    parts.append(
        f"""<g data-x="{x:.3f}" data-w="{width:.3f}" data-d="{depth}" data-n="{escape(name)}">\
<title>{escape(label)}</title>\
<rect x="{x:.3f}" y="{y}" width="{max(width - 0.5, 0.2):.3f}" height="{_ROW - 1}" rx="1" fill="{_colour(name)}"/>\
<text x="{x + 3:.3f}" y="{y + 12}" pointer-events="none">{escape(shown)}</text></g>"""
    )
    for inner_name, inner in sorted(box.inner.items()):
        _draw(parts, inner_name, inner, x, depth + 1, total)
        x += inner.count / total * _WIDTH


def _colour(name: str) -> str:
    """Return a warm colour that a file always has, whichever graph it is in."""
    seed = crc32(name.rpartition("(")[2].partition(":")[0].encode())
    return f"hsl({15 + seed % 40} {70 + seed // 40 % 20}% {62 + seed // 800 % 14}%)"
