using DistNet.Kernels;
using DistNet.Tensors;

namespace DistNet.Training;

/// <summary>left ← left + right over two gradients: one addition of the canonical sum, split among a team.</summary>
/// <param name="unit">The vector width.</param>
public sealed class GradientAddition(VectorUnit unit) : ITeamWork
{
    private Memory<float> left;
    private ReadOnlyMemory<float> right;

    /// <summary>Adds <paramref name="right"/> to <paramref name="left"/>; the lengths are equal. Allocates nothing.</summary>
    public void Run(ThreadTeam team, Memory<float> left, ReadOnlyMemory<float> right)
    {
        ArgumentNullException.ThrowIfNull(team);
        Invariant.Holds(left.Length == right.Length);
        (this.left, this.right) = (left, right);
        team.Run(this);
        (this.left, this.right) = (default, default);
    }

    void ITeamWork.Execute(int part, int parts)
    {
        int lines = (left.Length + AlignedBuffer.AlignmentFloats - 1) / AlignedBuffer.AlignmentFloats;
        int first = Math.Min(left.Length, (int)((long)lines * part / parts) * AlignedBuffer.AlignmentFloats);
        int end = Math.Min(left.Length, (int)((long)lines * (part + 1) / parts) * AlignedBuffer.AlignmentFloats);
        Span<float> sum = left.Span[first..end];
        Elementwise.Add(unit, sum, right.Span[first..end], sum);
    }
}
