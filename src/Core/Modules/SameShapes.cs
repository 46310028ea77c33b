using System.Collections.Immutable;
using DistNet.Tensors;

namespace DistNet.Modules;

/// <summary>The check of modules whose inputs must agree.</summary>
internal static class SameShapes
{
    /// <summary>The one shape of all inputs.</summary>
    public static Shape Of(ImmutableArray<Shape> inputs)
    {
        foreach (Shape input in inputs)
        {
            if (input != inputs[0])
            {
                throw DistNetException.BadInput($"its inputs have the shapes {string.Join(" and ", inputs)}, but they must be the same");
            }
        }

        return inputs[0];
    }
}
