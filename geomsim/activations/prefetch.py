"""An order to the processor: fetch this part of an array, it is needed soon. Import it late: it imports numba."""

from __future__ import annotations

from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]
from numba.core import types
from numba.extending import intrinsic


def _prefetch(typing_context: Any, array: Any, index: Any) -> Any:
    """What numba asks when it meets the call: the type of the call, and who writes its code."""
    if not isinstance(array, types.Array) or not isinstance(index, types.Integer):
        return None

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        flag, pointer = ir.IntType(32), ir.IntType(8).as_pointer()
        kind = ir.FunctionType(ir.VoidType(), [pointer, flag, flag, flag])
        function = builder.module.declare_intrinsic("llvm.prefetch", [pointer], kind)
        place = builder.bitcast(builder.gep(data, [arguments[1]]), pointer)
        # To read, to be kept in all caches, data and not code.
        builder.call(function, [place, flag(0), flag(3), flag(1)])
        return context.get_dummy_value()

    return types.void(array, index), code


# The call has no typing context, which is numba's own matter: hence Any.
prefetch: Any = intrinsic(_prefetch)
"""``prefetch(array, index)`` in compiled code brings ``array[index]`` into the cache while other work goes on.

An index beyond the end does no harm. A row that is read at a random place of a large array comes from memory, which
takes a hundred times longer than to use a number of it.
"""
