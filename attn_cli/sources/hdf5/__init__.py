"""HDF5 as Keras writes it: names, attributes, shapes and types, never the weights' data.

A small reader of the HDF5 File Format Specification 3.0 (its sections are named where they are
implemented) for files that somebody else wrote. libhdf5 must not see those: it trusts them enough
to loop for ever. Here every step is charged, and an object may have one name only, so that no walk
is endless; and whatever is wrong is a BadFile of one line.

Keras writes through h5py with h5py's defaults, which have stayed the same up to h5py 3.16 and
HDF5 2.0: superblock 0, groups as symbol tables, contiguous datasets, attributes in the object
header. What h5py writes with `libver="latest"` or `track_order=True` is read too, as long as it
stays in the object header; from the ninth link or attribute on h5py puts it into a fractal heap,
and that, like everything else that Keras' own writers never use, is refused by its name.
Checksums, which only the newer structures have, are not compared.

`storage` reads bytes, `messages` says what they mean, `objects` makes groups and datasets of them.
"""

from attn_cli.sources.hdf5.messages import Value
from attn_cli.sources.hdf5.objects import Dataset, Group, Node, open_hdf5
from attn_cli.sources.hdf5.storage import SIGNATURE

__all__ = ["SIGNATURE", "Dataset", "Group", "Node", "Value", "open_hdf5"]
