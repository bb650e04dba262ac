"""The program, as `attn` and as `python -m attn_cli`."""


def main() -> None:
    """Run the command line and exit; an interrupt is 130 without a word from the first line on."""
    try:
        import gc
        import signal

        # What is raised while modules are imported may come out as another error, or be printed.
        at_once = signal.getsignal(signal.SIGINT) is signal.default_int_handler
        if at_once:
            signal.signal(signal.SIGINT, leave)
        # Nothing here refers to itself: looking for what does takes half of the time of a large
        # model, and finds nothing. TensorFlow's objects do; loading it turns this on again.
        gc.disable()
        from attn_cli.cli.app import main as program

        gc.freeze()
        if at_once:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        program()
    except KeyboardInterrupt:
        leave()
    except MemoryError:
        give_up("there is not enough memory")
    except (ImportError, SystemError) as error:  # where memory is short, of Python's own
        give_up(f"cannot start: {' '.join(str(error).split())}")


def leave(*_: object) -> None:
    """Exit as after an interrupt, at once: nothing is written yet, and no file is open."""
    import os

    os._exit(130)


def give_up(why: str) -> None:
    """Say in a line why nothing can be done, and exit: 1 would say that a check has failed."""
    import os
    from contextlib import suppress

    with suppress(OSError):
        os.write(2, f"attn: {why}\n".encode("utf-8", "backslashreplace"))
    os._exit(2)


if __name__ == "__main__":
    main()
