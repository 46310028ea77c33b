using System.Numerics;
using DistNet.Kernels;
using DistNet.Losses;
using DistNet.Runs;
using DistNet.Tensors;
using DistNet.Training;

namespace DistNet.Graphs;

/// <summary>Computes passes of a graph: holds all memory for a stated maximum of slices, and allocates nothing on the managed heap from the second pass on.</summary>
/// <remarks>
/// A pass goes through the graph in waves of slices, so that its values stay near the processor. Each wave of a training pass has two phases with a barrier between them: rows (each thread takes
/// whole slices through forward, loss and backward) and parameter gradients (each thread takes a range of every parameter). A gradient that costs more to write than its operands do to keep is
/// computed once, at the end of the pass. Threads split outputs and never a sum, so every number of threads
/// and every vector width gives the same bits. Used by one thread at a time.
/// </remarks>
public sealed class GraphExecution
{
    private readonly Graph graph;
    private readonly ThreadTeam team;
    private readonly int sliceSize;
    private readonly int waveSlices;
    private readonly PassState pass;
    private readonly ExecutionMemory memory;
    private readonly RowsPhase rows;
    private readonly GradientPhase gradients;

    /// <summary>Allocates the memory of forward passes; that of backward passes comes with the first of them.</summary>
    /// <param name="graph">The model.</param>
    /// <param name="loss">The loss.</param>
    /// <param name="sliceSize">Samples of a full slice, at least 1.</param>
    /// <param name="maximumSlices">The most slices of one pass, at least 1.</param>
    /// <param name="unit">The vector width.</param>
    /// <param name="team">The threads that compute.</param>
    /// <param name="waveSlices">The slices of a wave, a power of two; null for one wave a pass.</param>
    public GraphExecution(Graph graph, LossOptions loss, int sliceSize, int maximumSlices, VectorUnit unit, ThreadTeam team, int? waveSlices = null)
    {
        ArgumentNullException.ThrowIfNull(graph);
        ArgumentNullException.ThrowIfNull(team);
        ArgumentOutOfRangeException.ThrowIfLessThan(sliceSize, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(maximumSlices, 1);
        this.graph = graph;
        this.team = team;
        this.sliceSize = sliceSize;
        MaximumSlices = maximumSlices;
        pass = new PassState(unit);
        this.waveSlices = waveSlices ?? (int)BitOperations.RoundUpToPowerOf2((uint)maximumSlices);
        Invariant.Holds(BitOperations.IsPow2(this.waveSlices));
        memory = new ExecutionMemory(graph, sliceSize, maximumSlices, Math.Min(this.waveSlices, maximumSlices));
        AlignedBuffer[] scratch = [.. Enumerable.Range(0, team.Count).Select(_ => new AlignedBuffer(memory.Scratch))];
        rows = new RowsPhase(pass, graph, memory, Loss.Create(loss), scratch, maximumSlices);
        gradients = new GradientPhase(pass, graph, memory, scratch, maximumSlices, this.waveSlices);
    }

    /// <summary>The most slices of one pass.</summary>
    public int MaximumSlices { get; }

    /// <summary>Who is told when a piece of a pass is done; null for nobody. For a team of one thread.</summary>
    internal PassLaps? Laps
    {
        get => pass.Laps;
        set => pass.Laps = value;
    }

    /// <summary>One training pass: forward, loss and backward.</summary>
    /// <param name="input">The samples: whole slices, but for the last of a batch.</param>
    /// <param name="parameters">The parameters, as long as the arena.</param>
    /// <param name="nodes">Nodes of the sum: disjoint, in order, covering exactly the pass's slices.</param>
    /// <param name="nodeGradients">For each node where its gradient goes, as long as the arena: sums over samples, bit-exactly the node's value; padding becomes +0.</param>
    /// <param name="metrics">For each node where its loss and counts go.</param>
    public void Train(
        in PassInput input,
        ReadOnlySpan<float> parameters,
        ReadOnlySpan<SumNode> nodes,
        ReadOnlySpan<Memory<float>> nodeGradients,
        Span<NodeMetrics> metrics)
    {
        Invariant.Holds(nodes.Length == nodeGradients.Length && nodes.Length == metrics.Length);
        int sliceCount = CheckCover(nodes, input);
        gradients.Clear();
        for (int index = 0; index < nodes.Length; index++)
        {
            gradients.Add(WithinPass(nodes[index], input, sliceCount), nodeGradients[index]);
        }

        Run(input, parameters, training: true, withLoss: true, outputs: default);
        gradients.Clear();
        FoldMetrics(nodes, input, sliceCount, metrics);
    }

    /// <summary>Forward and loss, with dropout off.</summary>
    /// <param name="input">The samples: whole slices, but for the last of a batch.</param>
    /// <param name="parameters">The parameters, as long as the arena.</param>
    /// <param name="nodes">Nodes of the sum: disjoint, in order, covering exactly the pass's slices.</param>
    /// <param name="metrics">For each node where its loss and counts go.</param>
    /// <param name="outputs">[samples, OutputShape.Length], row-major: where the model's outputs go; empty where nobody needs them.</param>
    public void Evaluate(in PassInput input, ReadOnlySpan<float> parameters, ReadOnlySpan<SumNode> nodes, Span<NodeMetrics> metrics, Span<float> outputs = default)
    {
        Invariant.Holds(nodes.Length == metrics.Length);
        int sliceCount = CheckCover(nodes, input);
        Run(input, parameters, training: false, withLoss: true, outputs);
        FoldMetrics(nodes, input, sliceCount, metrics);
    }

    /// <summary>Forward alone, with dropout off. Labels are not read.</summary>
    /// <param name="input">The samples.</param>
    /// <param name="parameters">The parameters, as long as the arena.</param>
    /// <param name="outputs">[samples, OutputShape.Length], row-major.</param>
    public void Predict(in PassInput input, ReadOnlySpan<float> parameters, Span<float> outputs) => Run(input, parameters, training: false, withLoss: false, outputs);

    /// <summary>Repeats a training pass and looks for the first value that is not finite, slice by slice and, within a slice, in the order of computation.</summary>
    /// <returns>Null where every slice's values are finite (their sum may still overflow).</returns>
    /// <inheritdoc cref="Train" path="/param"/>
    public NonFiniteFinding? FindNonFinite(in PassInput input, ReadOnlySpan<float> parameters)
    {
        int firstSlice = input.FirstPlace / sliceSize;
        for (int slice = 0; slice < Slices(input); slice++)
        {
            int first = slice * sliceSize;
            PassInput one = Part(input, first, Math.Min(sliceSize, input.Samples.Length - first));
            Arena gradient = new(graph.Layout);
            NodeMetrics[] metrics = new NodeMetrics[1];
            NonFiniteWatch watch = new(graph, memory);
            try
            {
                rows.Watch = watch;
                Train(one, parameters, [new SumNode(0, firstSlice + slice)], [gradient.Memory], metrics);
            }
            finally
            {
                rows.Watch = null;
            }

            if (watch.First(metrics[0].Loss, gradient) is { } found)
            {
                return new NonFiniteFinding(firstSlice + slice, found.Node, found.What);
            }
        }

        return null;
    }

    private unsafe void Run(in PassInput input, ReadOnlySpan<float> parameters, bool training, bool withLoss, Span<float> outputs)
    {
        Invariant.Holds(parameters.Length == graph.Layout.ArenaLength);
        Invariant.Holds(input.FirstPlace >= 0 && input.FirstPlace % sliceSize == 0);
        Invariant.Holds(input.Data.InputShape.Length == graph.InputShape.Length);
        int slices = Slices(input), firstSlice = input.FirstPlace / sliceSize;
        Invariant.Holds(slices >= 1 && slices <= MaximumSlices);
        if (training && !memory.HasGradients)
        {
            memory.AllocateGradients();
        }

        rows.WithLoss = withLoss;
        fixed (float* pinned = parameters)
        {
            pass.Laps?.Begin();
            try
            {
                for (int first = 0, count; first < slices; first += count)
                {
                    // Waves end at multiples of their size, counted from the batch's first slice: each is a node of the canonical sum, or some whole ones.
                    count = Math.Min(slices - first, waveSlices - ((firstSlice + first) % waveSlices));
                    PassInput wave = Part(input, first * sliceSize, Math.Min(count * sliceSize, input.Samples.Length - (first * sliceSize)));
                    pass.Set(wave, pinned, parameters.Length, training);
                    memory.MoveTo(training ? first * sliceSize : 0, wave.Samples.Length);
                    rows.Wave = new SliceRange(first, count);
                    team.Run(rows);
                    if (training)
                    {
                        gradients.Wave = rows.Wave;
                        team.Run(gradients);
                    }

                    if (!outputs.IsEmpty)
                    {
                        int width = graph.OutputShape.Length;
                        memory.Output.Span[..(wave.Samples.Length * width)].CopyTo(outputs[(first * sliceSize * width)..]);
                    }
                }

                if (training && gradients.HasKept)
                {
                    pass.Set(input, pinned, parameters.Length, training);
                    memory.MoveTo(firstRow: 0, count: 0); // To the kept rows of all waves; the domains stay those of the last.
                    memory.Pass.SetRows(input.Samples.Length);
                    gradients.Wave = null;
                    team.Run(gradients);
                }
            }
            finally
            {
                pass.Clear();
            }
        }
    }

    private static PassInput Part(in PassInput input, int first, int count) => new()
    {
        Data = input.Data,
        Samples = input.Samples.Slice(first, count),
        Seed = input.Seed,
        Step = input.Step,
        FirstPlace = input.FirstPlace + first,
    };

    private int Slices(in PassInput input) => (int)(((long)input.Samples.Length + sliceSize - 1) / sliceSize);

    // A node's slices, counted from the pass's first.
    private SliceRange WithinPass(SumNode node, in PassInput input, int sliceCount)
    {
        int firstSlice = input.FirstPlace / sliceSize;
        SliceRange slices = node.Slices(firstSlice + sliceCount);
        Invariant.Holds(slices.First >= firstSlice && slices.Count > 0);
        return new SliceRange(slices.First - firstSlice, slices.Count);
    }

    // The nodes must be disjoint, in order, and cover the pass's slices exactly; returns their number.
    private int CheckCover(ReadOnlySpan<SumNode> nodes, in PassInput input)
    {
        int sliceCount = Slices(input);
        Invariant.Holds(sliceCount <= MaximumSlices);
        int covered = 0;
        foreach (SumNode node in nodes)
        {
            SliceRange slices = WithinPass(node, input, sliceCount);
            Invariant.Holds(slices.First == covered);
            covered = slices.End;
        }

        Invariant.Holds(covered == sliceCount);
        return sliceCount;
    }

    private void FoldMetrics(ReadOnlySpan<SumNode> nodes, in PassInput input, int sliceCount, Span<NodeMetrics> metrics)
    {
        for (int index = 0; index < nodes.Length; index++)
        {
            SliceRange slices = WithinPass(nodes[index], input, sliceCount);
            metrics[index] = CanonicalSum.Fold(rows.SliceMetrics.AsSpan(slices.First, slices.Count));
        }
    }
}
