using System.Numerics;
using DistNet.Kernels;
using DistNet.Modules;
using DistNet.Runs;
using DistNet.Tensors;

namespace DistNet.Graphs;

/// <summary>The parameters' gradients of every node of the sum: each thread takes a range of every parameter, and no sum is ever split.</summary>
/// <remarks>Those of kept nodes are computed at the end of the pass, all others after each wave: a node's waves are combined by the canonical tree, since waves begin at multiples of their
/// size, counted from the batch's first slice.
/// <para>A parameter used by several nodes is a Duplicate of the parameter: a slice's gradient is ((use 0 + use 1) + use 2) + …, in the order of the graph, and the canonical
/// tree goes over the slices as ever. (Adding up the uses any later would not do: a node's value must be its left half's plus its right half's.)</para></remarks>
internal sealed class GradientPhase : ITeamWork
{
    private readonly PassState pass;
    private readonly Layout layout;
    private readonly ExecutionMemory memory;
    private readonly ParameterGradientContext[] contexts;
    private readonly ParameterWork[] work;
    private readonly int waveSlices;
    private readonly SliceRange[] ranges;
    private readonly Memory<float>[] gradients;
    private int count;

    public GradientPhase(PassState pass, Graph graph, ExecutionMemory memory, AlignedBuffer[] scratch, int maximumSlices, int waveSlices)
    {
        this.pass = pass;
        this.waveSlices = waveSlices;
        this.memory = memory;
        layout = graph.Layout;
        contexts = [.. scratch.Select(own => new ParameterGradientContext(pass, own))];
        ranges = new SliceRange[maximumSlices];
        gradients = new Memory<float>[maximumSlices];
        work = [.. layout.Entries.Select(entry => new ParameterWork(entry, memory, maximumSlices, waveSlices))];
        HasKept = work.Any(parameter => parameter.IsKept);
    }

    /// <summary>Whether some parameters' gradients are left to the end of the pass.</summary>
    public bool HasKept { get; }

    /// <summary>The wave whose turn it is, counted from the pass's first slice; null for the end of the pass.</summary>
    public SliceRange? Wave { get; set; }

    /// <summary>Starts a new list of nodes of the sum.</summary>
    public void Clear()
    {
        gradients.AsSpan(0, count).Clear();
        count = 0;
    }

    /// <summary>Adds a node of the sum.</summary>
    /// <param name="slices">Its slices, counted within the pass.</param>
    /// <param name="gradient">Where its gradient goes, as long as the arena.</param>
    public void Add(SliceRange slices, Memory<float> gradient)
    {
        Invariant.Holds(gradient.Length == layout.ArenaLength);
        ranges[count] = slices;
        gradients[count++] = gradient;
    }

    /// <inheritdoc/>
    public void Execute(int part, int parts)
    {
        for (int index = 0; index < count; index++)
        {
            SliceRange node = ranges[index];
            SliceRange present = Wave is { } wave ? Common(node, wave) : node;
            if (present.Count <= 0)
            {
                continue;
            }

            if (part == 0 && present.First == node.First)
            {
                ClearPadding(gradients[index].Span);
            }

            foreach (ParameterWork parameter in work)
            {
                (int from, int to) = parameter.Range(part, parts);
                if (from == to || parameter.IsKept != Wave is null)
                {
                    continue;
                }

                Memory<float> gradient = gradients[index].Slice(parameter.Entry.Offset, parameter.Entry.Length);
                if (parameter.Entry.IsFrozen)
                {
                    gradient.Span[from..to].Clear();
                }
                else
                {
                    Compute(contexts[part], parameter, node, present, gradient, from, to);
                }
            }
        }
    }

    private static SliceRange Common(SliceRange node, SliceRange wave)
    {
        int first = Math.Max(node.First, wave.First);
        return new SliceRange(first, Math.Min(node.End, wave.End) - first);
    }

    // The tree over a node's waves as a binary counter: before wave w, as many sums wait as w has ones; after it, as many are combined as w + 1 has trailing zeros.
    private void Compute(ParameterGradientContext context, ParameterWork parameter, SliceRange node, SliceRange present, Memory<float> gradient, int from, int to)
    {
        int wave = (present.First - node.First) / waveSlices, waiting = BitOperations.PopCount((uint)wave);
        SliceRange slices = present with { First = present.First - (Wave?.First ?? 0) };
        Memory<float> sum = parameter.Waiting(gradient, waiting);
        if (parameter.Uses.Length == 1)
        {
            Compute(context, parameter.Uses[0], slices, sum, from, to);
        }
        else
        {
            ComputeShared(context, parameter, slices, sum, from, to);
        }

        for (int merges = present.End == node.End ? waiting : BitOperations.TrailingZeroCount(wave + 1); merges > 0; merges--, waiting--)
        {
            Add(parameter.Waiting(gradient, waiting), parameter.Waiting(gradient, waiting - 1), from, to);
        }
    }

    private void Compute(ParameterGradientContext context, (NodeMemory Node, int Parameter) use, SliceRange slices, Memory<float> gradient, int from, int to)
    {
        RowDomain rows = Wave is null ? memory.Pass : memory.Domains[use.Node.Node.Domain], all = Wave is null ? memory.Pass : memory.Domains[0];
        context.Bind(use.Node, rows, all, pass.Rows, slices);
        context.WriteTo(gradient);
        use.Node.Node.Module.ParameterGradient(context, use.Parameter, from, to);
        pass.Laps?.Lap(PassPart.ParameterGradient, use.Node.Node.Name);
    }

    // The tree over slices as a binary counter: after slice s, as many pending sums are combined as s + 1 has trailing zeros.
    private void ComputeShared(ParameterGradientContext context, ParameterWork parameter, SliceRange slices, Memory<float> gradient, int from, int to)
    {
        int pending = 0;
        for (int slice = 0; slice < slices.Count; slice++)
        {
            SliceRange one = new(slices.First + slice, 1);
            Compute(context, parameter.Uses[0], one, parameter.Pending(pending), from, to);
            for (int use = 1; use < parameter.Uses.Length; use++)
            {
                Compute(context, parameter.Uses[use], one, parameter.Pending(pending + 1), from, to);
                Add(parameter.Pending(pending + 1), parameter.Pending(pending), from, to);
            }

            for (int merges = BitOperations.TrailingZeroCount(slice + 1); merges > 0; merges--, pending--)
            {
                Add(parameter.Pending(pending), parameter.Pending(pending - 1), from, to);
            }

            pending++;
        }

        for (pending--; pending > 0; pending--)
        {
            Add(parameter.Pending(pending), parameter.Pending(pending - 1), from, to);
        }

        parameter.Pending(0).Span[from..to].CopyTo(gradient.Span[from..to]);
    }

    // The right half of a node of the tree to its left half.
    private void Add(Memory<float> right, Memory<float> left, int from, int to)
    {
        Span<float> sum = left.Span[from..to];
        Elementwise.Add(pass.Unit, sum, right.Span[from..to], sum);
    }

    private void ClearPadding(Span<float> gradient)
    {
        for (int index = 0; index < layout.Entries.Length; index++)
        {
            int end = index + 1 < layout.Entries.Length ? layout.Entries[index + 1].Offset : layout.ArenaLength;
            int start = layout.Entries[index].Offset + layout.Entries[index].Length;
            gradient[start..end].Clear();
        }
    }

    /// <summary>One parameter: its uses in the order of the graph; where there are several, the pending sums of the tree over a wave's slices; and the sums of waves that wait.</summary>
    private sealed class ParameterWork
    {
        private readonly AlignedBuffer pending;
        private readonly AlignedBuffer waves;
        private readonly int splitLength;

        public ParameterWork(ParameterEntry entry, ExecutionMemory memory, int maximumSlices, int waveSlices)
        {
            Entry = entry;
            Uses =
            [
                .. memory.Nodes.SelectMany(node => node.Node.Parameters.Select((use, index) => (node, use, index)))
                    .Where(found => found.use.Entry == entry).OrderBy(found => found.use.Use).Select(found => (found.node, found.index)),
            ];
            splitLength = Uses[0].Node.Node.Parameters[Uses[0].Parameter].Definition.SplitLength;
            IsKept = Uses.Length == 1 && Uses[0].Node.IsKept;
            int levels = Uses.Length == 1 ? 0 : BitOperations.Log2((uint)Math.Min(waveSlices, maximumSlices)) + 3;
            int waiting = IsKept ? 0 : BitOperations.Log2((uint)((maximumSlices + waveSlices - 1) / waveSlices));
            pending = Sums(levels, entry);
            waves = Sums(waiting, entry);
        }

        public ParameterEntry Entry { get; }

        public (NodeMemory Node, int Parameter)[] Uses { get; }

        /// <summary>Whether the gradient is computed at the end of the pass.</summary>
        public bool IsKept { get; }

        /// <summary>The sums of a node's waves that wait for their right neighbours: the first in the node's gradient itself.</summary>
        public Memory<float> Waiting(Memory<float> gradient, int index) => index == 0 ? gradient : waves.Memory.Slice((index - 1) * Entry.Length, Entry.Length);

        public Memory<float> Pending(int index) => pending.Memory.Slice(index * Entry.Length, Entry.Length);

        private static AlignedBuffer Sums(int count, ParameterEntry entry) =>
            new(AlignedBuffer.LengthOf((long)count * entry.Length, $"The {count} sums over slices that may wait for a gradient of '{entry.Name}'", "take a smaller model"));

        /// <summary>The floats that one thread takes: whole multiples of the parameter's split length.</summary>
        public (int From, int To) Range(int part, int parts)
        {
            long units = (Entry.Length + (long)splitLength - 1) / splitLength;
            return ((int)Math.Min(units * part / parts * splitLength, Entry.Length), (int)Math.Min(units * (part + 1) / parts * splitLength, Entry.Length));
        }
    }
}
