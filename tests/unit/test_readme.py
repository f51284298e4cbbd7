"""README.md names every file with what its docstring says; AVSPEC_GOLDEN=1 rewrites that part."""

import ast
import os
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
MARK = re.compile(r"(<!-- file map -->\n).*?(<!-- /file map -->)", re.DOTALL)


def file_map() -> str:
    folders = sorted({path.parent for path in (ROOT / "avspec").rglob("*.py")})
    return "".join(_folder(folder) for folder in folders)


def _folder(folder: Path) -> str:
    files = [path for path in sorted(folder.glob("*.py")) if path.name != "__init__.py"]
    title = f"\n**{folder.relative_to(ROOT)}/** {_summary(folder / '__init__.py')}\n\n"
    return title + "".join(f"- `{path.name}` {_summary(path)}\n" for path in files)


def _summary(path: Path) -> str:
    text = (ast.get_docstring(ast.parse(path.read_text("utf-8"))) or "").strip()
    assert text, f"{path} has no docstring"
    return " ".join(text.split("\n\n")[0].split()).partition(". ")[0].rstrip(".")


def test_the_file_map_is_what_the_files_say() -> None:
    text = README.read_text("utf-8")
    wanted = MARK.sub(lambda found: found[1] + file_map() + "\n" + found[2], text)
    if os.environ.get("AVSPEC_GOLDEN"):
        README.write_text(wanted, "utf-8")
    assert text == wanted, "run this test with AVSPEC_GOLDEN=1 to bring the map up to date"


def test_every_link_of_the_readme_leads_somewhere() -> None:
    links = re.findall(r"\]\((?!http)([^)#]+)\)", README.read_text("utf-8"))
    assert links
    missing = [link for link in links if not (ROOT / link).exists()]
    assert not missing
