"""The front door: finds the command, runs it, and turns every fault into one clear line and an exit code.

Only the module of the command that was named is imported, so that a short command starts fast.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import Final, NoReturn

import typer

from tradekit import __version__
from tradekit.cli.output import Result, emit, lose_output, prepare_streams, silence
from tradekit.domain.errors import ExitCode, Problem, TradekitError

COMMANDS: Final = (
    "cycle", "purge", "dust-sweep", "risk-check", "status", "reconcile-fills", "rebuild-positions", "halt", "resume",
    "doctor", "rehearse", "init", "policy", "state",
)  # fmt: skip
_GROUPS: Final = {"policy": ("check", "show", "schema"), "state": ("verify", "history", "restore")}
_INTERRUPTED: Final = 130  # what typer makes of a KeyboardInterrupt
_HELP: Final = "Execute and guard spot-crypto orders, one command at a time; made for cron."


def main() -> NoReturn:
    """Runs the command line and exits. Never prints a traceback unless TRADEKIT_DEBUG is set."""
    os.umask(0o077)
    prepare_streams()
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Runs one command line and returns its exit code."""
    as_json = "--json" in arguments
    command = _named(arguments)
    try:
        return _exit_code(_app(command.partition(" ")[0])(args=arguments, prog_name="tradekit", standalone_mode=False))
    except TradekitError as fault:
        return emit(Result.of_fault(command, fault), as_json=as_json, quiet=False)
    except typer.TyperException as usage:
        message = usage.format_message() if isinstance(usage, typer.BadParameter) else str(usage)
        known = command.partition(" ")[0] in COMMANDS
        wrong = Problem("usage", message, f"`tradekit {command} --help`" if known else "`tradekit --help`")
        return emit(Result(command, ExitCode.BAD_INPUT, None, (wrong,)), as_json=as_json, quiet=False)
    except (KeyboardInterrupt, typer.Abort) as ended:
        if isinstance(ended.__cause__, EOFError):  # typer takes any end of file for a Ctrl-D at a prompt; we have none
            return _report_bug(command, ended.__cause__, as_json=as_json)
        stopped = Problem("interrupted", "stopped by a signal", "the next run goes on from what is written down")
        return emit(Result(command, ExitCode.PARTLY_DONE, None, (stopped,)), as_json=as_json, quiet=False)
    except BrokenPipeError:
        return _unread()
    except SystemExit as ended:
        if isinstance(ended.__context__, BrokenPipeError):  # typer exits with 1 where nobody reads a help text
            return _unread()
        raise
    except Exception as bug:
        if isinstance(bug, OSError) and _by_typer(bug):
            lose_output(bug)
            return ExitCode.DONE
        return _report_bug(command, bug, as_json=as_json)


def _named(arguments: list[str]) -> str:
    """The command that the words name, with that of its group; empty for none."""
    words = [word for word in arguments if not word.startswith("-")]
    if len(words) > 1 and words[1] in _GROUPS.get(words[0], ()):
        return " ".join(words[:2])
    return words[0] if words else ""


def _app(command: str) -> typer.Typer:
    app = typer.Typer(
        name="tradekit",
        help=_HELP,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        add_completion=command not in COMMANDS,
    )
    app.callback()(_root)
    for name in (command,) if command in COMMANDS else COMMANDS:
        import_module(f"tradekit.cli.{name.replace('-', '_')}").register(app)
    return app


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"tradekit {__version__}")
        raise typer.Exit


def _root(
    version: bool = typer.Option(
        False, "--version", help="Show the version and exit.", is_eager=True, callback=_show_version
    ),
) -> None:
    """Holds the options that stand before a command."""


def _exit_code(returned: object) -> int:
    if returned == _INTERRUPTED:
        raise KeyboardInterrupt
    return returned if isinstance(returned, int) else ExitCode.DONE


def _unread() -> int:
    """Nobody reads on: that ends the printing, quietly, and takes nothing back."""
    silence(sys.stdout)
    return ExitCode.DONE


def _by_typer(error: OSError) -> bool:
    """Whether typer met it: it reads no file, and writes help and version only."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace is not None and trace.tb_frame.f_globals.get("__name__", "").startswith("typer.")


def _report_bug(command: str, bug: Exception, *, as_json: bool) -> int:
    if os.environ.get("TRADEKIT_DEBUG"):
        raise bug
    place = "unknown"
    trace = bug.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        place = f"{os.path.basename(code.co_filename)}:{trace.tb_lineno}"
        trace = trace.tb_next
    # The text of an exception may carry a secret or foreign escapes, so only its kind and place are told.
    problem = Problem(
        "bug", f"{type(bug).__name__} at {place}", "run again with TRADEKIT_DEBUG=1 and report what it prints"
    )
    return emit(Result(command, ExitCode.BUG, None, (problem,)), as_json=as_json, quiet=False)
