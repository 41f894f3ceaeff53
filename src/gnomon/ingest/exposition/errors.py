"""What can be wrong with what a target exposes.

GnomonError
└── ExpositionError   the text or protobuf cannot be read as what it claims to be (InvalidInputError)
"""

from gnomon.model.errors import InvalidInputError


class ExpositionError(InvalidInputError):
    """Tell what cannot be read, and where."""
