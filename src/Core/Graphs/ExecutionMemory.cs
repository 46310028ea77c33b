using DistNet.Modules;
using DistNet.Randomness;
using DistNet.Tensors;

namespace DistNet.Graphs;

/// <summary>All memory of an execution: a buffer per value and per gradient, for the most rows of a wave or, where they are kept, of a pass, allocated once; fewer rows use prefixes.</summary>
/// <remarks>Values that are equal by rule share a buffer (Flatten, Duplicate forward; Add, Flatten backward). A ReLU before a max pool is computed by the pool, so that its values are never written.
/// A normalisation of the sample gathers it, and writes over it.
/// Where gradients lie: <see cref="GradientPlaces"/>.</remarks>
internal sealed class ExecutionMemory
{
    /// <summary>What makes all buffers of rows smaller.</summary>
    public const string Remedy = "take a smaller training.slice";

    // The most floats that a pass keeps of a node's operands: 64 MiB.
    private const long MostKept = 1 << 24;

    private static readonly AlignedBuffer Nothing = new(0);

    private readonly Graph graph;
    private readonly int rows;
    private readonly int passRows;
    private readonly RowBuffer[] values;
    private readonly List<RowBuffer> buffers = [];

    // For each node whether the node after it computes its rule.
    private readonly bool[] takenIn;

    // Parameters that several nodes use.
    private readonly HashSet<ParameterEntry> shared;

    public ExecutionMemory(Graph graph, int sliceSize, int maximumSlices, int waveSlices)
    {
        this.graph = graph;
        rows = Rows(sliceSize, waveSlices);
        passRows = Rows(sliceSize, maximumSlices);
        Pass = new RowDomain(sliceSize, maximumSlices, null);
        Domains = new RowDomain[graph.Domains.Length];
        for (int domain = 0; domain < Domains.Length; domain++)
        {
            int parent = graph.Domains[domain].Parent;
            Domains[domain] = new RowDomain(sliceSize, waveSlices, parent < 0 ? null : Domains[parent]);
        }

        values = new RowBuffer[graph.Values.Length];
        values[0] = Buffer(0);
        takenIn = TakenIn(graph);
        shared = [.. graph.Nodes.SelectMany(node => node.Parameters).GroupBy(use => use.Entry).Where(uses => uses.Count() > 1).Select(uses => uses.Key)];
        Nodes = new NodeMemory[graph.Nodes.Length];
        for (int index = 0; index < Nodes.Length; index++)
        {
            Nodes[index] = Allocate(index, waveSlices);
        }

        SampleIsTakenIn = Nodes.Any(node => node.TakesIn && node.Node.Inputs is [0]);
        Output = values[graph.OutputValue];
        foreach (NodeMemory node in Nodes.Where(node => node.IsKept))
        {
            node.Inputs[0].Keep();
        }

        RowBuffer[] ofValues = [.. buffers];
        OutputGradient = new GradientPlaces(graph, this, values, Buffer).Place();
        Allocate(ofValues);
    }

    /// <summary>The rows of the pass, all its waves together.</summary>
    public RowDomain Pass { get; }

    /// <summary>The rows of the wave under way: all, then those of each branch.</summary>
    public RowDomain[] Domains { get; }

    public NodeMemory[] Nodes { get; }

    public RowBuffer Sample => values[0];

    /// <summary>Whether the node that reads the sample gathers it too.</summary>
    public bool SampleIsTakenIn { get; }

    public RowBuffer Output { get; }

    /// <summary>The gradient by the output; null where no parameter that is trained lies upstream.</summary>
    public RowBuffer? OutputGradient { get; }

    /// <summary>The floats of scratch that any one call needs.</summary>
    public int Scratch { get; private set; }

    /// <summary>Whether <see cref="AllocateGradients"/> has been called.</summary>
    public bool HasGradients { get; private set; }

    public void AllocateGradients()
    {
        HasGradients = true;
        Allocate(buffers);
    }

    /// <summary>Turns to the rows of a wave.</summary>
    /// <param name="firstRow">Its first row among those of the pass; 0 too where nothing of the wave is needed later.</param>
    /// <param name="count">Its rows.</param>
    public void MoveTo(int firstRow, int count)
    {
        Domains[0].SetRows(count);
        foreach (RowBuffer buffer in buffers)
        {
            buffer.MoveTo(firstRow);
        }
    }

    private void Allocate(IEnumerable<RowBuffer> some)
    {
        foreach (RowBuffer buffer in some)
        {
            buffer.Allocate(rows, passRows);
        }
    }

    // Where a wave's rows of input and output gradient are fewer floats than the weights, whose gradient each wave would write and the pass would add up.
    private bool IsKept(GraphNode node)
    {
        long operands = (long)node.InputShapes[0].Length + node.OutputShape.Length;
        return passRows > rows
            && node.Domain == 0
            && node.Module.GradientNeedsOperandsAlone
            && node.Parameters.Any(use => use.Entry.IsTrained)
            && !node.Parameters.Any(use => shared.Contains(use.Entry))
            && rows * operands < node.Parameters.Sum(use => (long)use.Entry.Length)
            && passRows * operands <= MostKept;
    }

    // A value has one reader: where that can, it computes the rule of the node that gives it.
    private static bool[] TakenIn(Graph graph)
    {
        bool[] taken = new bool[graph.Nodes.Length];
        foreach (GraphNode node in graph.Nodes)
        {
            int before = node.Inputs.Length == 1 ? graph.Values[node.Inputs[0]].Producer : -1;
            if (before >= 0)
            {
                taken[before] = node.Module.CanTakeIn(graph.Nodes[before].Module, node.InputShapes);
            }
        }

        return taken;
    }

    private NodeMemory Allocate(int index, int waveSlices)
    {
        GraphNode node = graph.Nodes[index];
        int before = graph.Values[node.Inputs[0]].Producer;
        bool isKept = IsKept(node), gathers = node.Inputs is [0] && node.Module.CanGather;
        ModuleMemory needs = Needs(node, rows, waveSlices);
        Scratch = Math.Max(Scratch, isKept ? Needs(node, passRows, Pass.Slices.Length).Scratch : needs.Scratch);
        foreach (int output in node.Outputs)
        {
            values[output] = node.Module.OutputIsInput || takenIn[index] || gathers ? values[node.Inputs[0]] : Buffer(output);
        }

        return new NodeMemory
        {
            Node = node,
            Inputs = [.. node.Inputs.Select(input => values[input])],
            Outputs = [.. node.Outputs.Select(output => values[output])],
            Output = values[node.Outputs[0]],
            Saved = Kept(node, rows, "samples", needs.SavedPerSample),
            SavedPerSample = needs.SavedPerSample,
            SlicesSaved = Kept(node, waveSlices, "slices", needs.SavedPerSlice),
            SavedPerSlice = needs.SavedPerSlice,
            TakesIn = gathers || (before >= 0 && takenIn[before]),
            IsTakenIn = takenIn[index],
            IsKept = isKept,
            BranchDomains = node.Module switch
            {
                Route => [.. node.Outputs.Select(output => graph.Values[output].Domain)],
                Merge => [.. node.Inputs.Select(input => graph.Values[input].Domain)],
                _ => [],
            },
            RandomStream = KeyedRandom.Stream(node.Module.RandomPurpose, node.Name),
        };
    }

    private static int Rows(int sliceSize, int slices) =>
        AlignedBuffer.LengthOf((long)sliceSize * slices, $"A pass of {slices} slices of {sliceSize} samples with one value each", Remedy);

    // A module adds up its scratch in checked arithmetic.
    private static ModuleMemory Needs(GraphNode node, int rows, int slices)
    {
        try
        {
            return node.Module.Memory(node.InputShapes, rows, slices);
        }
        catch (OverflowException overflow)
        {
            throw DistNetException.BadInput($"What node '{node.Name}' needs for a pass of {rows} samples would be more than {int.MaxValue} floats; {Remedy}.", overflow);
        }
    }

    private static AlignedBuffer Kept(GraphNode node, int count, string counted, int width) =>
        width == 0 ? Nothing : new(AlignedBuffer.LengthOf((long)count * width, $"What node '{node.Name}' keeps of a pass of {count} {counted}", Remedy));

    private RowBuffer Buffer(int value)
    {
        RowBuffer buffer = new(graph.Values[value].Shape.Length);
        buffers.Add(buffer);
        return buffer;
    }
}
