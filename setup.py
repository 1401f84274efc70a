"""How Marx is packed. Packages are listed, not discovered: discovery would miss `twisted.plugins` without a word."""

from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).parent
POSTGRESQL = ["psycopg[binary]>=3.2"]

setup(
    name="marx",
    version="0.1.0",
    description="A distributed map engine: an ordinary Python program on all the machines of a lab",
    long_description=(HERE / "README.rst").read_text(encoding="utf-8"),
    long_description_content_type="text/x-rst",
    author="International Justice League of Super Acquaintances",
    license="BSD-3-Clause",
    license_files=["LICENSE"],
    python_requires=">=3.11",
    # "twisted.plugins" has no __init__.py and must never get one: pip would put it over Twisted's own,
    # and uninstalling Marx would then take Twisted along.
    packages=[*find_packages(include=["marx", "marx.*"]), "twisted.plugins"],
    package_data={"marx.server": ["migrations/*", "migrations/versions/*"]},
    exclude_package_data={"": ["*.pyc", "dropin.cache"]},
    install_requires=[
        "Twisted[tls,conch]>=26.4",
        "service-identity>=24.2",
        "pyOpenSSL>=25.1,<27",
        "cryptography>=45",
        "click>=8.2",
        "pygments>=2.13",
        "rich>=14",
        "SQLAlchemy>=2.0.40",
        "alembic>=1.16",
        "attrs>=25.1",
        "automat>=25.4",
        "psutil>=7",
        "platformdirs>=4.3",
    ],
    extras_require={
        "postgresql": POSTGRESQL,
        "test": ["pytest>=9", "pytest-twisted>=1.14.3", "pytest-xdist>=3.8", "hypothesis>=6.130", "vermin>=1.6", "build>=1.2", "uv>=0.8", *POSTGRESQL],
    },
    entry_points={
        "console_scripts": [
            "tasker = marx.tasker.cli:entry",
            "marx-admin = marx.server.admin_cli:entry",
        ],
    },
    classifiers=[
        "Environment :: No Input/Output (Daemon)",
        "Framework :: Twisted",
        "Operating System :: POSIX :: Linux",
        "Programming Language :: Python :: 3 :: Only",
        "Topic :: System :: Distributed Computing",
    ],
)
