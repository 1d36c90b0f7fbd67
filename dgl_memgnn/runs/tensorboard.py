"""Records of epochs for TensorBoard."""

from __future__ import annotations

from pathlib import Path
from typing import Any

__all__ = ["TensorBoard", "check_installed", "remove"]

FOLDER = "tensorboard"


def check_installed() -> Any:
    """torch's writer of records; ModuleNotFoundError if TensorBoard is not installed."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            '--tensorboard needs TensorBoard: pip install "dgl-memgnn[tensorboard]".'
        ) from error
    return SummaryWriter


class TensorBoard:
    """Writes the record of each epoch, as history.csv holds it, to ``tensorboard`` in a run folder

    Parameters
    ----------
    run : Path
        The run folder.
    num_epochs : int
        Number of epochs that are done; what is there of later ones, of a run that was killed, is superseded.

    Raises
    ------
    ModuleNotFoundError
        If TensorBoard is not installed.
    """

    def __init__(self, run: Path, num_epochs: int) -> None:
        self._writer: Any = check_installed()(str(run / FOLDER), purge_step=num_epochs + 1)

    def write(self, record: dict[str, Any], learning_rate: float) -> None:
        """Write an epoch: losses under ``training``, metrics under ``validation``."""
        values = {**record, "learning_rate": learning_rate}
        epoch = values.pop("epoch")
        for name, value in values.items():
            if value is not None:
                group = "training" if name in ("loss", "clustering_loss", "learning_rate") else "validation"
                self._writer.add_scalar(f"{group}/{name}", value, epoch)
        self._writer.flush()

    def close(self) -> None:
        self._writer.close()


def remove(run: Path) -> None:
    """Remove the records of a run, and nothing else."""
    folder = run / FOLDER
    if folder.is_dir():
        for path in folder.glob("events.out.tfevents.*"):
            path.unlink()
        if not any(folder.iterdir()):
            folder.rmdir()
