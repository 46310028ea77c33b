using DistNet.Tensors;

namespace DistNet.Modules;

/// <summary>The shape that a module's options and inputs come to, where that is one.</summary>
internal static class ModuleShape
{
    /// <summary>The shape of an output.</summary>
    /// <param name="dimensions">Its dimensions, each at least 1.</param>
    /// <exception cref="DistNetException">It has more values than can be counted.</exception>
    public static Shape Of(params ReadOnlySpan<long> dimensions)
    {
        long length = 1;
        foreach (long dimension in dimensions)
        {
            // At most 2³¹ · 2³¹.
            length *= Math.Min(dimension, 1L << 31);
            if (length > int.MaxValue)
            {
                throw DistNetException.BadInput($"its output would be [{string.Join(", ", dimensions.ToArray())}], more than {int.MaxValue} values");
            }
        }

        return new Shape([.. dimensions.ToArray().Select(dimension => (int)dimension)]);
    }
}
