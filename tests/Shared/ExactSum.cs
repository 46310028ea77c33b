using DistNet.Runs;
using DistNet.Training;

namespace DistNet.Tests.Shared;

/// <summary>An exact stand-in for a gradient: 64 bits, carried by four floats that each hold an integer below 2^16. Its sum is sensitive to order, to
/// loss and to repetition, so that any fault of the machine shows in the digest.</summary>
internal static class ExactSum
{
    public const int Floats = 4;

    /// <summary>Mixes two values; neither commutative nor associative.</summary>
    public static ulong Mix(ulong left, ulong right)
    {
        ulong x = (left * 0x9E3779B97F4A7C15) ^ (right + 0x2545F4914F6CDD1D + (left << 7));
        x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9;
        x = (x ^ (x >> 27)) * 0x94D049BB133111EB;
        return x ^ (x >> 31);
    }

    /// <summary>What a slice comes to: it depends on the parameters, the phase, the step and the slice.</summary>
    public static ulong Slice(ulong parameters, RunPhase phase, long step, int slice) =>
        Mix(Mix(parameters, ((ulong)phase << 60) ^ (ulong)step), (ulong)slice);

    /// <summary>The value of a node, computed from its slices: left and right mixed; a node whose right half is empty is its left half.</summary>
    public static ulong Node(SumNode node, int sliceCount, Func<int, ulong> slice)
    {
        if (node.Level == 0)
        {
            return slice(node.Index);
        }

        var left = new SumNode(node.Level - 1, node.Index * 2);
        var right = new SumNode(node.Level - 1, (node.Index * 2) + 1);
        ulong value = Node(left, sliceCount, slice);
        return right.First < sliceCount ? Mix(value, Node(right, sliceCount, slice)) : value;
    }

    /// <summary>The metrics of a node: sums as the real ones are, of a loss whose sum depends on the order and of a count that does not.</summary>
    public static NodeMetrics Metrics(SumNode node, int sliceCount, Func<int, ulong> slice)
    {
        SliceRange range = node.Slices(sliceCount);
        Span<NodeMetrics> slices = new NodeMetrics[range.Count];
        for (int i = 0; i < slices.Length; i++)
        {
            ulong value = slice(range.First + i);
            slices[i] = new NodeMetrics((value >> 11) * 1e-3, 1, (long)(value >> 20), 0);
        }

        return CanonicalSum.Fold(slices);
    }

    /// <summary>64 bits of metrics.</summary>
    public static ulong Of(NodeMetrics metrics) => Mix(BitConverter.DoubleToUInt64Bits(metrics.Loss), unchecked((ulong)metrics.Samples));

    /// <summary>The root of a cover. Throws where a slice is missing or counted twice.</summary>
    public static ulong Root(IReadOnlyDictionary<SumNode, ulong> nodes, int sliceCount) => Root(nodes, sliceCount, Mix);

    /// <summary>The root of a cover. Throws where a slice is missing or counted twice.</summary>
    public static T Root<T>(IReadOnlyDictionary<SumNode, T> nodes, int sliceCount, Func<T, T, T> add)
    {
        int used = 0;
        int top = 0;
        while (1 << top < sliceCount)
        {
            top++;
        }

        T root = Fold(new SumNode(top, 0));
        return used == nodes.Count ? root : throw new InvalidOperationException($"{nodes.Count - used} nodes are counted twice.");

        T Fold(SumNode node)
        {
            if (nodes.TryGetValue(CanonicalSum.Reduce(node, sliceCount), out T? value))
            {
                used++;
                return value;
            }

            if (node.Level == 0)
            {
                throw new InvalidOperationException($"Slice {node.Index} is missing.");
            }

            var right = new SumNode(node.Level - 1, (node.Index * 2) + 1);
            if (right.First >= sliceCount)
            {
                return Fold(new SumNode(node.Level - 1, node.Index * 2));
            }

            T left = Fold(new SumNode(node.Level - 1, node.Index * 2));
            return add(left, Fold(right));
        }
    }

    public static void Write(ulong value, Span<float> floats)
    {
        for (int i = 0; i < Floats; i++)
        {
            floats[i] = (ushort)(value >> (16 * i));
        }
    }

    public static ulong Read(ReadOnlySpan<float> floats)
    {
        ulong value = 0;
        for (int i = 0; i < Floats; i++)
        {
            value |= (ulong)floats[i] << (16 * i);
        }

        return value;
    }
}

/// <summary>The exact stand-in's worker side.</summary>
internal sealed class ExactComputer(ISet<long>? nonFiniteSteps = null, Action<ShardWork>? before = null) : IShardComputer
{
    /// <summary>The slice in which the values of a non-finite step go wrong.</summary>
    public const int NonFiniteSlice = 2;

    public ShardResult Compute(ShardWork work, ParameterHandle parameters, IGradientSource gradients)
    {
        before?.Invoke(work);
        if (work.Phase == RunPhase.Diagnosis)
        {
            bool here = nonFiniteSteps is not null && nonFiniteSteps.Contains(work.Step) && work.Slices.First <= NonFiniteSlice && NonFiniteSlice < work.Slices.End;
            return ShardResult.Diagnosis(here ? new ShardFinding(NonFiniteSlice, "fc2", "its output holds NaN") : null);
        }

        ulong values = ExactSum.Read(parameters.Values.Span);
        var nodes = System.Collections.Immutable.ImmutableArray.CreateBuilder<ShardNode>();
        foreach (SumNode node in CanonicalSum.Cover(work.Slices, work.SliceCount))
        {
            ulong Slice(int slice) => ExactSum.Slice(values, work.Phase, work.Step, slice);
            GradientLease? lease = null;
            if (work.Phase == RunPhase.Training)
            {
                lease = gradients.Lease();
                ExactSum.Write(ExactSum.Node(node, work.SliceCount, Slice), lease.Values.Span);
            }

            nodes.Add(new ShardNode(node, ExactSum.Metrics(node, work.SliceCount, Slice), lease));
        }

        return new ShardResult(nodes.ToImmutable());
    }

    public void Dispose()
    {
    }
}
