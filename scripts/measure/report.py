"""Facts about the run, and results as a Markdown table and JSON."""

import datetime
import json
import os
import platform
import shlex
import subprocess
import sys

from .server import ROOT


def facts(servers, tools=()):
    """Where, when and with what a run was made. `servers` is {name: version}."""
    return {
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "command": shlex.join(["scripts/" + os.path.basename(sys.argv[0]), *sys.argv[1:]]),
        "commit": commit(),
        "cpu": cpu_model(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_mib": memory_mib(),
        "kernel": f"{platform.system()} {platform.release()}",
        "load_before": round(os.getloadavg()[0], 2),
        "versions": {**servers, **{os.path.basename(tool): tool_version(tool) for tool in tools}},
    }


def commit():
    def git(*arguments):
        return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()

    head = git("rev-parse", "--short", "HEAD") or "unknown"
    return head + (" with changes" if git("status", "--porcelain", "--untracked-files=no") else "")


def cpu_model():
    with open("/proc/cpuinfo") as file:
        for line in file:
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.machine()


def memory_mib():
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // (1 << 20)


def tool_version(tool):
    return subprocess.run([tool, "--version"], capture_output=True, text=True, check=False).stdout.strip()


def facts_text(run):
    """The facts as a short Markdown list."""
    lines = [
        f"{run['date']}, {run['cpu']}, {run['cores']} cores, {run['memory_mib'] / 1024:.0f} GiB, {run['kernel']}, "
        f"load before the run {run['load_before']}, commit {run['commit']}.",
        "",
        f"`{run['command']}`",
        "",
    ]
    lines += [f"- {name}: {version}" for name, version in run["versions"].items()]
    return "\n".join(lines)


def table(header, rows):
    """A Markdown table; numbers should come formatted. All columns but the first are right-aligned."""
    cells = [header] + rows
    widths = [max(len(str(row[column])) for row in cells) for column in range(len(header))]

    def line(row):
        first = str(row[0]).ljust(widths[0])
        return "| " + " | ".join([first] + [str(cell).rjust(width) for cell, width in zip(row[1:], widths[1:])]) + " |"

    rule = "|" + "|".join(["-" * (widths[0] + 2)] + ["-" * (width + 1) + ":" for width in widths[1:]]) + "|"
    return "\n".join([line(header), rule] + [line(row) for row in rows])


def times(value, peer, digits=2):
    """`value` as a multiple of `peer`."""
    return f"{value / peer:.{digits}f}×" if peer else "–"


def save(path, content):
    """Writes Markdown, or JSON where the path ends so."""
    with open(path, "w") as file:
        if path.endswith(".json"):
            json.dump(content, file, indent=1)
            file.write("\n")
        else:
            file.write(content)
