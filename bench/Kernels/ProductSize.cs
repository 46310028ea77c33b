namespace DistNet.Kernels.Bench;

/// <summary>A product [rows, inner] · [inner, columns]. For a weight gradient the inner dimension is the batch.</summary>
/// <param name="Name">Where it comes from.</param>
/// <param name="Rows">Rows of the result.</param>
/// <param name="Inner">The summed dimension.</param>
/// <param name="Columns">Columns of the result.</param>
public sealed record ProductSize(string Name, int Rows, int Inner, int Columns)
{
    /// <summary>Additions and multiplications.</summary>
    public double Operations => 2.0 * Rows * Inner * Columns;

    /// <summary>As it stands in the table.</summary>
    public override string ToString() => FormattableString.Invariant($"{Name} {Rows}×{Inner}×{Columns}");
}
