import re
from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).parent
VERSION = re.search(r'__version__ = "(.+)"', (HERE / "dgl_memgnn" / "__init__.py").read_text()).group(1)

setup(
    name="dgl-memgnn",
    version=VERSION,
    description="Memory-based graph pooling and networks (MemGNN, GMN) for DGL",
    long_description=(HERE / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    packages=find_packages(include=["dgl_memgnn", "dgl_memgnn.*"]),
    package_data={"dgl_memgnn": ["configs/*.yaml", "weights/*.pt", "weights/*.md", "py.typed"]},
    python_requires=">=3.9,<3.13",
    install_requires=[
        # DGL 2.x wheels load graphbolt, which exists only for torch <= 2.2.1; the last 1.x
        # wheel works with every newer torch but was not built for Python 3.12.
        'dgl>=1.1.2,!=2.0.*,!=2.1.*,!=2.2.*; python_version < "3.12"',
        'torch>=2.0,<2.14; python_version < "3.12"',
        'dgl>=2.1.0,<2.3; python_version >= "3.12"',
        'torch>=2.2.0,<2.2.2; python_version >= "3.12"',
        'torchdata>=0.7.1,<0.8; python_version >= "3.12"',
        'pydantic>=1.10; python_version >= "3.12"',
        'numpy<2; python_version >= "3.12"',
        "joblib>=1.3",
        "matplotlib>=3.7",
        "packaging",  # imported by dgl, which does not declare it
        "pandas",
        "pyyaml",
        "rdkit",
        "scikit-learn",
        "scipy",
        "tqdm",
        "dgllife>=0.3.2",
    ],
    extras_require={
        "test": ["hypothesis", "pytest", "pytest-xdist>=3.8"],
        "check": [
            "check-jsonschema; python_version >= '3.11'",
            "codespell[toml]",
            "mypy>=2.3,<3",
            "pandas-stubs",
            "pytest-cov",
            "ruff==0.17.*",
            "types-PyYAML",
            "types-tqdm",
            "zizmor; python_version >= '3.11'",
        ],
        "benchmark": ["torch_geometric"],
        "docs": [
            "myst-parser",
            "numpydoc>=1.6",
            "pydata-sphinx-theme>=0.15",
            "sphinx>=7.4",
            "sphinx-gallery>=0.16",
        ],
        "lightning": ["lightning>=2"],
        "parquet": ["pyarrow"],
        "search": ["optuna>=4"],
        "tensorboard": ["tensorboard"],
    },
    entry_points={"console_scripts": ["dgl-memgnn = dgl_memgnn.cli:main"]},
    classifiers=[
        "License :: OSI Approved :: Apache Software License",
        "Programming Language :: Python :: 3",
        "Topic :: Scientific/Engineering :: Artificial Intelligence",
        "Topic :: Scientific/Engineering :: Chemistry",
    ],
)
