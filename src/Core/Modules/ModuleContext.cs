using System.Collections.Immutable;
using DistNet.Graphs;
using DistNet.Kernels;
using DistNet.Runs;
using DistNet.Tensors;

namespace DistNet.Modules;

/// <summary>What a rule sees of one node, whichever rule it is. One object per thread, set anew for each call; nothing is allocated.</summary>
/// <remarks>Row-major throughout: an input of <c>Rows</c> samples is [Rows, InputShapes[i].Length].</remarks>
public abstract class ModuleContext
{
    private readonly PassState pass;
    private readonly AlignedBuffer scratch;
    private NodeMemory? memory;
    private RowDomain? domain;

    private protected ModuleContext(PassState pass, AlignedBuffer scratch)
    {
        this.pass = pass;
        this.scratch = scratch;
    }

    /// <summary>The vector width that kernels run with.</summary>
    public VectorUnit Unit => pass.Unit;

    /// <summary>The node's name, for a sentence about it.</summary>
    public string NodeName => Memory.Node.Name;

    /// <summary>The shapes of one sample's inputs.</summary>
    public ImmutableArray<Shape> InputShapes => Memory.Node.InputShapes;

    /// <summary>The shape of one sample's output.</summary>
    public Shape OutputShape => Memory.Node.OutputShape;

    /// <summary>Whether this is a training pass: dropout acts, and a backward pass follows.</summary>
    public bool Training => pass.Training;

    /// <summary>Whether the node is frozen: its parameters and buffers stay as they start.</summary>
    public bool Frozen => Memory.Node.Frozen;

    /// <summary>Floats of this thread's own for one call; their values are anything.</summary>
    public Span<float> Scratch => scratch.Span;

    /// <summary>How many slices the call has: whole ones, all of their rows that exist here.</summary>
    public int SliceCount { get; private set; }

    /// <summary>Whether the rule of the node before is computed along with this one: the input is that node's input. Of the model's input: whether this rule gathers it.</summary>
    internal bool TakesIn => Memory.TakesIn;

    private protected PassState Pass => pass;

    private protected NodeMemory Memory => memory!;

    private protected RowDomain Domain => domain!;

    private protected int FirstSlice { get; private set; }

    private protected int FirstRow { get; private set; }

    private protected int RowCount { get; private set; }

    /// <summary>A parameter's values.</summary>
    public ReadOnlySpan<float> Parameter(int index)
    {
        ParameterEntry entry = Memory.Node.Parameters[index].Entry;
        return pass.Parameters.Slice(entry.Offset, entry.Length);
    }

    /// <summary>The rows of a slice, counted from the call's first row.</summary>
    /// <param name="index">Which of the call's slices.</param>
    public SliceRows Slice(int index)
    {
        Invariant.Holds((uint)index < (uint)SliceCount);
        SliceRows rows = Domain.Slices[FirstSlice + index];
        return rows with { First = rows.First - FirstRow };
    }

    /// <summary>What is kept for a slice, SavedPerSlice floats. Nothing is kept of a slice without rows.</summary>
    /// <param name="index">Which of the call's slices.</param>
    public Span<float> SavedOf(int index)
    {
        Invariant.Holds((uint)index < (uint)SliceCount);
        return Memory.SlicesSaved.Span.Slice((FirstSlice + index) * Memory.SavedPerSlice, Memory.SavedPerSlice);
    }

    /// <summary>Turns to some slices of a node, and to their rows, which lie one after the other.</summary>
    internal void Bind(NodeMemory node, RowDomain rows, int first, int count)
    {
        SliceRows last = rows.Slices[first + count - 1];
        int firstRow = rows.Slices[first].First;
        Bind(node, rows, new SliceRange(first, count), firstRow, last.First + last.Count - firstRow);
    }

    private protected void Bind(NodeMemory node, RowDomain rows, SliceRange slices, int firstRow, int rowCount)
    {
        memory = node;
        domain = rows;
        FirstSlice = slices.First;
        SliceCount = slices.Count;
        FirstRow = firstRow;
        RowCount = rowCount;
    }

    private protected Span<float> RowsOf(RowBuffer buffer, int width) => buffer.Span.Slice(FirstRow * width, RowCount * width);

    private protected Span<float> InputRows(int index) => RowsOf(Memory.Inputs[index], Memory.Node.InputShapes[index].Length);

    private protected Span<float> OutputRows() => RowsOf(Memory.Output, Memory.Node.OutputShape.Length);

    private protected Span<float> SavedRows() => Memory.Saved.Span.Slice(FirstRow * Memory.SavedPerSample, RowCount * Memory.SavedPerSample);

    private protected ReadOnlySpan<float> OutputGradientRows(int output) => RowsOf(Memory.OutputGradients[output], Memory.Node.OutputShape.Length);
}

/// <summary>What <see cref="Module.Forward"/> sees: some rows of the node.</summary>
public sealed class ForwardContext : ModuleContext
{
    internal ForwardContext(PassState pass, AlignedBuffer scratch)
        : base(pass, scratch)
    {
    }

    /// <summary>The number of rows, one per sample.</summary>
    public int Rows => RowCount;

    /// <summary>The output to write, [Rows, OutputShape.Length].</summary>
    public Span<float> Output => OutputRows();

    /// <summary>What is kept for the backward pass, [Rows, SavedPerSample].</summary>
    public Span<float> Saved => SavedRows();

    /// <summary>The seed of the run: the key of all randomness.</summary>
    public ulong Seed => Pass.Seed;

    /// <summary>The step, as a part of the key of randomness.</summary>
    public uint Step => Pass.Step;

    /// <summary>The node's own stream of randomness, made from its name.</summary>
    public uint RandomStream => Memory.RandomStream;

    /// <summary>An input, [Rows, InputShapes[index].Length].</summary>
    public ReadOnlySpan<float> Input(int index) => InputRows(index);

    /// <summary>Gathers some rows of the input, which is the model's and taken in.</summary>
    /// <param name="row">The first of them.</param>
    /// <param name="count">How many.</param>
    internal void Gather(int row, int count) => Pass.Gather(FirstRow + row, count, Memory.Inputs[0].Span);

    /// <summary>The place in the batch of the sample in a row, as a part of the key of randomness.</summary>
    public uint Place(int row) => (uint)(Pass.FirstPlace + Domain.RootRow(FirstRow + row));
}

/// <summary>What <see cref="Module.Backward"/> sees: some rows of the node.</summary>
public sealed class BackwardContext : ModuleContext
{
    internal BackwardContext(PassState pass, AlignedBuffer scratch)
        : base(pass, scratch)
    {
    }

    /// <summary>The number of rows, one per sample.</summary>
    public int Rows => RowCount;

    /// <summary>The output of the forward pass, [Rows, OutputShape.Length].</summary>
    public ReadOnlySpan<float> Output => OutputRows();

    /// <summary>What the forward pass kept, [Rows, SavedPerSample]; what this rule keeps itself is for the gradients of the parameters.</summary>
    public Span<float> Saved => SavedRows();

    /// <summary>The gradient of the loss by the output, [Rows, OutputShape.Length].</summary>
    public ReadOnlySpan<float> OutputGradient => OutputGradientRows(0);

    /// <summary>The gradient by one of several outputs.</summary>
    public ReadOnlySpan<float> OutputGradientOf(int output) => OutputGradientRows(output);

    /// <summary>An input of the forward pass, [Rows, InputShapes[index].Length].</summary>
    public ReadOnlySpan<float> Input(int index) => InputRows(index);

    /// <summary>Whether anybody needs an input's gradient; where not, it may be left out. Where nobody needs that of any input, which only a rule that keeps sums
    /// (<see cref="Module.BackwardKeepsSums"/>) sees, there is no room for it.</summary>
    public bool NeedsInputGradient(int index) => Memory.Node.InputNeedsGradient[index];

    /// <summary>The gradient by an input, to be written exactly once, [Rows, InputShapes[index].Length].</summary>
    public Span<float> InputGradient(int index) => RowsOf(Memory.InputGradients[index], Memory.Node.InputShapes[index].Length);
}

/// <summary>What <see cref="Module.ParameterGradient"/> sees: all rows of a wave or of a pass, and which of them make up the slices of one node of the sum.</summary>
public sealed class ParameterGradientContext : ModuleContext
{
    private RowDomain? all;
    private Memory<float> gradient;

    internal ParameterGradientContext(PassState pass, AlignedBuffer scratch)
        : base(pass, scratch)
    {
    }

    /// <summary>The rows of each slice; a slice of no rows adds +0.</summary>
    public ReadOnlySpan<SliceRows> Slices => Domain.Slices.AsSpan(FirstSlice, SliceCount);

    /// <summary>The output of the forward pass, all rows.</summary>
    public ReadOnlySpan<float> Output => OutputRows();

    /// <summary>What the forward pass kept, all rows.</summary>
    public ReadOnlySpan<float> Saved => SavedRows();

    /// <summary>The gradient of the loss by the output, all rows.</summary>
    public ReadOnlySpan<float> OutputGradient => OutputGradientRows(0);

    /// <summary>The parameter's whole gradient; only the floats [from, to) are this call's.</summary>
    public Span<float> Gradient => gradient.Span;

    /// <summary>An input of the forward pass, all rows.</summary>
    public ReadOnlySpan<float> Input(int index) => InputRows(index);

    /// <summary>How many samples a slice has in all, those that took another branch among them.</summary>
    /// <param name="index">Which of the slices.</param>
    public int SamplesOf(int index) => all!.Slices[FirstSlice + index].Count;

    /// <summary>Turns to some slices of a node; inputs, outputs and what was kept for samples are those of all rows.</summary>
    internal void Bind(NodeMemory node, RowDomain rows, RowDomain all, int rowCount, SliceRange slices)
    {
        Bind(node, rows, slices, 0, rowCount);
        this.all = all;
    }

    internal void WriteTo(Memory<float> destination) => gradient = destination;
}
