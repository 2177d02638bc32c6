#!/usr/bin/env python3
"""Prints a list of all crates that are built into the program, as CycloneDX 1.5: name, version, licence, checksum, and who needs whom.

Made of `cargo metadata` and Cargo.lock alone, so that the same commit always gives the same list.
"""

import json
import pathlib
import subprocess
import tomllib

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROGRAM = "librato-apply"


def reached(nodes, start):
    """What is reached from the program by normal and build dependencies; tests bring nothing in."""
    found, todo = set(), [start]
    while todo:
        node = todo.pop()
        if node not in found:
            found.add(node)
            todo += [dep["pkg"] for dep in nodes[node]["deps"] if any(kind["kind"] != "dev" for kind in dep["dep_kinds"])]
    return found


def main():
    command = ["cargo", "metadata", "--locked", "--format-version", "1"]
    metadata = json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout)
    locked = tomllib.loads((ROOT / "Cargo.lock").read_text())["package"]
    sums = {(package["name"], package["version"]): package.get("checksum") for package in locked}
    packages = {package["id"]: package for package in metadata["packages"]}
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    program = next(id for id, package in packages.items() if package["name"] == PROGRAM)
    inside = reached(nodes, program)

    def url(id):
        return f"pkg:cargo/{packages[id]['name']}@{packages[id]['version']}"

    def component(id):
        package = packages[id]
        shown = {"type": "library", "bom-ref": url(id), "name": package["name"], "version": package["version"], "purl": url(id)}
        if package["license"]:
            shown["licenses"] = [{"expression": package["license"].replace("/", " OR ")}]
        if checksum := sums.get((package["name"], package["version"])):
            shown["hashes"] = [{"alg": "SHA-256", "content": checksum}]
        return shown

    others = sorted(inside - {program}, key=url)
    depends = [
        {"ref": url(id), "dependsOn": sorted({url(dep["pkg"]) for dep in nodes[id]["deps"] if dep["pkg"] in inside})}
        for id in sorted(inside, key=url)
    ]
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": component(program) | {"type": "application"}},
        "components": [component(id) for id in others],
        "dependencies": depends,
    }
    print(json.dumps(document, indent=2))


if __name__ == "__main__":
    main()
