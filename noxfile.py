"""What the install page promises: each pair of DGL and PyTorch, on its Python, passes the tests.

`nox` builds the package and runs all pairs; `nox -s "tests(3.12)"` runs one. The tests are those of the source
distribution, outside the checkout, on the installed wheel, all but those marked slow. docs/results/matrix.json
keeps the last outcome of each pair, with its date, and the install page shows it.
"""

import datetime
import json
from pathlib import Path

import nox

ROOT = Path(__file__).parent
OUTCOMES = ROOT / "docs" / "results" / "matrix.json"
# name -> Python, and what is pinned; the rest is what pip chooses
PAIRS = {
    "3.9-oldest": ("3.9", ["dgl==1.1.2", "torch==2.0.1", "numpy<2"]),
    "3.9": ("3.9", []),
    "3.10": ("3.10", []),
    "3.11": ("3.11", []),
    "3.12": ("3.12", []),
}

nox.options.error_on_missing_interpreters = True


@nox.session(python=False)
@nox.parametrize("pair", list(PAIRS), ids=list(PAIRS))
def tests(session, pair):
    """Build, install, and test one pair."""
    python, pins = PAIRS[pair]
    work = Path(session.create_tmp()).resolve() / pair
    session.run("python", "-m", "build", "--outdir", str(work / "dist"), str(ROOT), silent=True)
    wheel, source = next((work / "dist").glob("*.whl")), next((work / "dist").glob("*.tar.gz"))
    session.run(f"python{python}", "-m", "venv", "--clear", str(work / "venv"), external=True)
    of_pair = str(work / "venv" / "bin" / "python")
    session.run(of_pair, "-m", "pip", "install", "--quiet", *pins, f"{wheel}[test]", external=True)
    session.run("tar", "xf", str(source), "-C", str(work), external=True)
    listed = session.run(of_pair, "-m", "pip", "list", "--format", "json", external=True, silent=True)
    versions = {each["name"]: each["version"] for each in json.loads(listed) if each["name"] in ("dgl", "torch")}
    session.chdir(work / source.name.removesuffix(".tar.gz"))
    session.run("rm", "-r", "dgl_memgnn", external=True)  # so that the wheel is what is tested
    env = {"OMP_NUM_THREADS": "1"}
    try:
        session.run(
            *(of_pair, "-m", "pytest", "tests", "-n", "auto", "-m", "not slow", "-p", "no:cacheprovider"),
            env=env,
            external=True,
        )
        outcome = "passed"
    except Exception:
        outcome = "failed"
        raise
    finally:
        _keep(pair, {"python": python, **versions, "outcome": outcome, "date": str(datetime.date.today())})


def _keep(pair, outcome):
    outcomes = json.loads(OUTCOMES.read_text(encoding="utf-8")) if OUTCOMES.exists() else {}
    outcomes[pair] = outcome
    OUTCOMES.write_text(json.dumps(outcomes, indent=2) + "\n", encoding="utf-8")
