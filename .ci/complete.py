#!/usr/bin/env python3
"""Presses TAB behind `cargo custody` in real shells: complete.py PROGRAM.

Each shell that is installed is started on a terminal of its own, with a home in which the completions lie
where the help of `completions` says. Only the standard library is used.
"""

import os
import pathlib
import pty
import re
import select
import shutil
import subprocess
import sys
import tempfile
import time

# How long one shell may take for an answer, in seconds: the first TAB of zsh reads all its functions.
PATIENCE = 60

# Typed and TAB pressed, and what has to come.
CASES = [
    ("cargo custody wai", "cargo custody waive "),
    ("cargo custody check --fail-on cri", "cargo custody check --fail-on critical"),
    ("cargo custody check --format mark", "cargo custody check --format markdown"),
    ("cargo-custody insp", "cargo-custody inspect "),
]
# Rules behind `explain`: what is generated for the other shells does not complete the words of a subcommand.
ONLY = {"bash": [("cargo custody explain known-bad-f", "cargo custody explain known-bad-file")]}


def script(program, shell):
    return subprocess.run([program, "completions", shell], check=True, capture_output=True).stdout


def bash(program, home):
    (home / "custody.bash").write_bytes(script(program, "bash"))
    (home / ".bashrc").write_text("PS1='> '\nsource ~/custody.bash\nbind 'set bell-style none'\n")
    return ["bash", "--noprofile", "--rcfile", str(home / ".bashrc"), "-i"]


def zsh(program, home):
    functions = home / "functions"
    functions.mkdir()
    (functions / "_cargo-custody").write_bytes(script(program, "zsh"))
    # What completes cargo itself is the toolchain's.
    root = subprocess.run(["rustc", "--print", "sysroot"], check=True, capture_output=True, text=True).stdout
    theirs = pathlib.Path(root.strip()) / "share/zsh/site-functions"
    (home / ".zshrc").write_text(
        f"PS1='> '\nfpath=({functions} {theirs} $fpath)\nautoload -U compinit\ncompinit -u -D\n"
        "unsetopt beep\nunset zle_bracketed_paste\n")
    return ["zsh", "-d", "-i"]


def fish(program, home):
    folder = home / ".config/fish/conf.d"
    folder.mkdir(parents=True)
    (folder / "cargo-custody.fish").write_bytes(script(program, "fish"))
    (home / ".config/fish/config.fish").write_text("function fish_prompt; echo '> '; end\nset -g fish_greeting\n")
    return ["fish", "-i"]


def plain(text):
    """What is on the screen, without the words that move the cursor and colour it."""
    text = re.sub(r"\x1b\][^\x07\x1b]*(\x07|\x1b\\)", "", text)
    text = re.sub(r"\x1b[\[(][0-9;?<>=]*[ -/]*[@-~]?", "", text)
    return text.replace("\r", "").replace("\x08", "")


class Terminal:
    """A shell on a terminal."""

    def __init__(self, command, home, program):
        self.seen = ""
        kept = {name: os.environ[name] for name in ("RUSTUP_HOME", "CARGO_HOME") if name in os.environ}
        before = pathlib.Path.home()
        environment = {
            "HOME": str(home), "TERM": "xterm", "LC_ALL": "C.UTF-8", "ZDOTDIR": str(home),
            "RUSTUP_HOME": str(before / ".rustup"), "CARGO_HOME": str(before / ".cargo"), **kept,
            "PATH": f"{program.parent}:{os.environ['PATH']}", "COLUMNS": "200", "LINES": "50",
        }
        self.child, self.file = pty.fork()
        if self.child == 0:
            os.chdir(home)
            os.execvpe(command[0], command, environment)

    def read(self, until):
        """Reads until `until(screen)` is true; whether it came to be."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            if until(plain(self.seen)):
                return True
            if select.select([self.file], [], [], 0.2)[0]:
                try:
                    self.seen += os.read(self.file, 65536).decode("utf-8", "replace")
                except OSError:
                    break
                # A shell that asks its terminal what it is waits for the answer.
                if self.seen.endswith("\x1b[c") or self.seen.endswith("\x1b[0c"):
                    os.write(self.file, b"\x1b[?62c")
        return until(plain(self.seen))

    def type(self, text):
        self.seen = ""
        os.write(self.file, text.encode())

    def close(self):
        os.close(self.file)
        try:
            os.kill(self.child, 9)
        except ProcessLookupError:
            pass
        os.waitpid(self.child, 0)


def holds(shell, start, program):
    for typed, wanted in CASES + ONLY.get(shell, []):
        # A shell of its own for each: what one line leaves behind does not reach the next.
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            home = pathlib.Path(folder)
            terminal = Terminal(start(program, home), home, program)
            try:
                if not terminal.read(lambda screen: "> " in screen):
                    raise SystemExit(f"FAILED: {shell} shows no prompt: {terminal.seen!r}")
                terminal.type(typed + "\t")
                squeezed = wanted.replace(" ", "")
                if not terminal.read(lambda screen: squeezed in re.sub(r"\s", "", screen)):
                    raise SystemExit(f"FAILED: {shell}: {typed!r} and TAB show {plain(terminal.seen)!r}")
                print(f"  {shell}: {typed} TAB -> {wanted}")
            finally:
                terminal.close()


def main():
    program = pathlib.Path(sys.argv[1]).resolve()
    if program.name != "cargo-custody":
        raise SystemExit("the program has to be called cargo-custody, as cargo looks for it")
    for shell, start in (("bash", bash), ("zsh", zsh), ("fish", fish)):
        if shutil.which(shell):
            holds(shell, start, program)
        else:
            print(f"  {shell} is not installed: not looked at")


if __name__ == "__main__":
    main()
