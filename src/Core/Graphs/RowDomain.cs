using DistNet.Kernels;

namespace DistNet.Graphs;

/// <summary>The rows that exist for some nodes: all rows of the wave (or pass), or those that took one branch of a Select.</summary>
/// <remarks>A branch's rows are moved together within each slice: slice s keeps its place at row s · sliceSize and has fewer rows there. So a slice's sum is
/// still the sum over that slice's samples, whoever computes it.</remarks>
internal sealed class RowDomain
{
    private readonly int[]? parentRows;
    private readonly int[]? rootRows;

    public RowDomain(int sliceSize, int maximumSlices, RowDomain? parent)
    {
        Parent = parent;
        SliceSize = sliceSize;
        Slices = new SliceRows[maximumSlices];
        if (parent is not null)
        {
            parentRows = new int[sliceSize * maximumSlices];
            rootRows = new int[sliceSize * maximumSlices];
        }
    }

    /// <summary>The domain this one is a part of; null for all rows.</summary>
    public RowDomain? Parent { get; }

    public int SliceSize { get; }

    /// <summary>The rows of each slice.</summary>
    public SliceRows[] Slices { get; }

    /// <summary>The same sample's row among all rows.</summary>
    public int RootRow(int row) => rootRows is null ? row : rootRows[row];

    /// <summary>The same sample's row in the parent.</summary>
    public int ParentRow(int row) => parentRows![row];

    /// <summary>All rows: every slice is full but the last.</summary>
    public void SetRows(int rows)
    {
        for (int slice = 0; slice * SliceSize < rows; slice++)
        {
            Slices[slice] = new SliceRows(slice * SliceSize, Math.Min(SliceSize, rows - (slice * SliceSize)));
        }
    }

    public void ClearSlice(int slice) => Slices[slice] = new SliceRows(slice * SliceSize, 0);

    /// <summary>Adds a row of the parent to a slice and returns its row here.</summary>
    public int Append(int slice, int parentRow)
    {
        SliceRows rows = Slices[slice];
        int row = rows.First + rows.Count;
        parentRows![row] = parentRow;
        rootRows![row] = Parent!.RootRow(parentRow);
        Slices[slice] = rows with { Count = rows.Count + 1 };
        return row;
    }
}
