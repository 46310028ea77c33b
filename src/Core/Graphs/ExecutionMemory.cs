using DistNet.Modules;
using DistNet.Randomness;
using DistNet.Tensors;

namespace DistNet.Graphs;

/// <summary>All memory of an execution: a buffer per value and per gradient, for the most rows, allocated once; fewer rows use prefixes.</summary>
/// <remarks>Values that are equal by rule share a buffer (Flatten, Duplicate forward; Add, Flatten backward). A rule that works element by element writes its input gradient over
/// its output gradient, unless somebody else still reads that. A ReLU before a max pool is computed by the pool, so that its values are never written.</remarks>
internal sealed class ExecutionMemory
{
    private static readonly AlignedBuffer Nothing = new(0);

    private readonly Graph graph;
    private readonly int rows;
    private readonly AlignedBuffer[] values;

    // For each node whether the node after it computes its rule.
    private readonly bool[] takenIn;

    public ExecutionMemory(Graph graph, int sliceSize, int maximumSlices)
    {
        this.graph = graph;
        rows = checked(sliceSize * maximumSlices);
        Domains = new RowDomain[graph.Domains.Length];
        for (int domain = 0; domain < Domains.Length; domain++)
        {
            int parent = graph.Domains[domain].Parent;
            Domains[domain] = new RowDomain(sliceSize, maximumSlices, parent < 0 ? null : Domains[parent]);
        }

        values = new AlignedBuffer[graph.Values.Length];
        values[0] = Buffer(0);
        takenIn = TakenIn(graph);
        Nodes = new NodeMemory[graph.Nodes.Length];
        for (int index = 0; index < Nodes.Length; index++)
        {
            Nodes[index] = Allocate(index, maximumSlices);
        }

        Output = values[graph.OutputValue];
    }

    public RowDomain[] Domains { get; }

    public NodeMemory[] Nodes { get; }

    public AlignedBuffer Sample => values[0];

    public AlignedBuffer Output { get; }

    /// <summary>The gradient by the output; null until the first training pass, and where no parameter that is trained lies upstream.</summary>
    public AlignedBuffer? OutputGradient { get; private set; }

    /// <summary>The floats of scratch that any one call needs.</summary>
    public int Scratch { get; private set; }

    /// <summary>Whether <see cref="AllocateGradients"/> has been called.</summary>
    public bool HasGradients { get; private set; }

    public void AllocateGradients()
    {
        HasGradients = true;
        AlignedBuffer?[] gradients = new AlignedBuffer?[graph.Values.Length];
        HashSet<AlignedBuffer> readTwice = [];
        if (graph.Values[graph.OutputValue].NeedsGradient)
        {
            gradients[graph.OutputValue] = OutputGradient = Buffer(graph.OutputValue);
        }

        for (int index = Nodes.Length - 1; index >= 0; index--)
        {
            GraphNode node = graph.Nodes[index];
            if (graph.Values[node.Outputs[0]].NeedsGradient)
            {
                Nodes[index].OutputGradients = [.. node.Outputs.Select(output => gradients[output]!)];
            }

            if (!node.NeedsBackward)
            {
                continue;
            }

            AlignedBuffer outgoing = gradients[node.Outputs[0]]!;
            bool needed = node.InputNeedsGradient.Contains(true);
            bool same = node.Module.InputGradientIsOutputGradient || takenIn[index];
            bool inPlace = node.Module.BackwardInPlace && !readTwice.Contains(outgoing);
            if (same && node.Inputs.Length > 1)
            {
                readTwice.Add(outgoing);
            }

            foreach (int input in node.Inputs)
            {
                gradients[input] = !needed ? Nothing : same || inPlace ? outgoing : Buffer(input);
            }

            Nodes[index].InputGradients = [.. node.Inputs.Select(input => gradients[input]!)];
        }
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

    private NodeMemory Allocate(int index, int maximumSlices)
    {
        GraphNode node = graph.Nodes[index];
        int before = graph.Values[node.Inputs[0]].Producer;
        ModuleMemory needs = node.Module.Memory(node.InputShapes, rows, maximumSlices);
        Scratch = Math.Max(Scratch, needs.Scratch);
        foreach (int output in node.Outputs)
        {
            values[output] = node.Module.OutputIsInput || takenIn[index] ? values[node.Inputs[0]] : Buffer(output);
        }

        return new NodeMemory
        {
            Node = node,
            Inputs = [.. node.Inputs.Select(input => values[input])],
            Outputs = [.. node.Outputs.Select(output => values[output])],
            Output = values[node.Outputs[0]],
            Saved = needs.SavedPerSample == 0 ? Nothing : new AlignedBuffer(checked(rows * needs.SavedPerSample)),
            SavedPerSample = needs.SavedPerSample,
            SlicesSaved = needs.SavedPerSlice == 0 ? Nothing : new AlignedBuffer(checked(maximumSlices * needs.SavedPerSlice)),
            SavedPerSlice = needs.SavedPerSlice,
            TakesIn = before >= 0 && takenIn[before],
            IsTakenIn = takenIn[index],
            BranchDomains = node.Module switch
            {
                Route => [.. node.Outputs.Select(output => graph.Values[output].Domain)],
                Merge => [.. node.Inputs.Select(input => graph.Values[input].Domain)],
                _ => [],
            },
            RandomStream = KeyedRandom.Stream(node.Module.RandomPurpose, node.Name),
        };
    }

    private AlignedBuffer Buffer(int value)
    {
        long length = (long)rows * graph.Values[value].Shape.Length;
        return length <= int.MaxValue - AlignedBuffer.AlignmentFloats
            ? new AlignedBuffer((int)length)
            : throw DistNetException.BadInput($"A pass of {rows} rows of {graph.Values[value].Shape} is more than {int.MaxValue} floats; take a smaller batch.");
    }
}
