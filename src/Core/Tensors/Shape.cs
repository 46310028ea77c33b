using System.Collections.Immutable;
using System.Globalization;

namespace DistNet.Tensors;

/// <summary>The dimensions of one tensor, row-major; for activations, those of one sample (the batch dimension is never part of it).</summary>
public readonly struct Shape : IEquatable<Shape>
{
    private readonly ImmutableArray<int> dimensions;

    /// <summary>Creates a shape; every dimension is at least 1.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A dimension is below 1, or the product exceeds <see cref="int.MaxValue"/>.</exception>
    public Shape(params ReadOnlySpan<int> dimensions)
    {
        long length = 1;
        foreach (int dimension in dimensions)
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(dimension, 1);
            length *= dimension;
            ArgumentOutOfRangeException.ThrowIfGreaterThan(length, int.MaxValue);
        }

        this.dimensions = [.. dimensions];
        Length = (int)length;
    }

    /// <summary>How many elements the tensor has: the product of its dimensions.</summary>
    public int Length { get; }

    /// <summary>How many dimensions there are.</summary>
    public int Rank => Dimensions.Length;

    /// <summary>The dimensions, outermost first.</summary>
    public ImmutableArray<int> Dimensions => dimensions.IsDefault ? [] : dimensions;

    /// <summary>The dimension at <paramref name="index"/>, outermost first.</summary>
    public int this[int index] => Dimensions[index];

    /// <summary>Whether two shapes have the same dimensions.</summary>
    public static bool operator ==(Shape left, Shape right) => left.Equals(right);

    /// <summary>Whether two shapes differ.</summary>
    public static bool operator !=(Shape left, Shape right) => !left.Equals(right);

    /// <inheritdoc/>
    public bool Equals(Shape other) => Dimensions.AsSpan().SequenceEqual(other.Dimensions.AsSpan());

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is Shape other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        HashCode hash = default;
        foreach (int dimension in Dimensions)
        {
            hash.Add(dimension);
        }

        return hash.ToHashCode();
    }

    /// <summary>The shape as <c>[1, 28, 28]</c>.</summary>
    public override string ToString() => $"[{string.Join(", ", Dimensions.Select(d => d.ToString(CultureInfo.InvariantCulture)))}]";
}
