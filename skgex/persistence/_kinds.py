"""All kinds of objects that a saved file can hold."""

from skgex.persistence._array_kinds import ARRAY_KINDS
from skgex.persistence._net_kinds import NET_KINDS
from skgex.persistence._object_kinds import OBJECT_KINDS

# In this order: a net is an object with attributes, too.
KINDS = [*ARRAY_KINDS, *NET_KINDS, *OBJECT_KINDS]
