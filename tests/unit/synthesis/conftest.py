import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # for scripted.py


@pytest.fixture
def personas(tmp_path):
    """A file of 40 personas."""
    path = tmp_path / "personas.txt"
    path.write_text("".join(f"A cook who owns {index} pans\n" for index in range(40)))
    return path
