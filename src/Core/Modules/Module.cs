using System.Collections.Immutable;
using DistNet.Randomness;
using DistNet.Tensors;

namespace DistNet.Modules;

/// <summary>One derivative rule: it owns options and names parameters, never activations. Immutable; one instance may serve any number of nodes.</summary>
/// <remarks>
/// To write one of your own: say the shapes (<see cref="OutputShape"/>), the parameters, and the two rules <see cref="Forward"/> and <see cref="Backward"/>, plus
/// <see cref="ParameterGradient"/> if there are parameters. Every rule sees the rows of some samples and must treat each row by itself, in an order that depends on
/// shapes alone; sums over samples belong in <see cref="ParameterGradient"/> and go through <see cref="SliceSum"/>, which keeps them independent of workers and threads.
/// A rule that needs other samples may look at those of the same slice (<see cref="ModuleContext.Slice"/>), since every call has whole slices. Where <see cref="Backward"/> itself sums what a parameter
/// gets from a sample or a slice and keeps it (<see cref="ModuleMemory"/>), say so by <see cref="BackwardKeepsSums"/>: it is then called for the model's first node too,
/// where it has no input gradient to write (<see cref="BackwardContext.NeedsInputGradient"/>).
/// </remarks>
public abstract class Module
{
    /// <summary>The word for it in a job file, <c>linear</c>.</summary>
    public abstract string Kind { get; }

    /// <summary>The word by which a chain names its nodes, a number after it: <c>fc</c> for the nodes <c>fc1</c>, <c>fc2</c>.</summary>
    public virtual string ShortName => Kind.Replace("-", "", StringComparison.Ordinal);

    /// <summary>How many inputs a node of this kind takes.</summary>
    public virtual InputCount Inputs => InputCount.One;

    /// <summary>How many outputs it has, all of one shape; only fan-outs (<see cref="Duplicate"/>, routing) have more than one.</summary>
    public virtual int Outputs => 1;

    /// <summary>The gain by which Kaiming initialisation scales the weights whose output this module consumes; null for a module that is looked through
    /// to what consumes its own output.</summary>
    /// <remarks>Lecture, "Weight initialisation"; the values are those of PyTorch's <c>calculate_gain</c>: √2 for ReLU (and, here, Softplus), √(2 ÷ (1 + slope²)) for leaky ReLU, 5/3 for tanh, 1 otherwise.</remarks>
    public virtual double? Gain => 1;

    /// <summary>The shape of one sample's output.</summary>
    /// <param name="inputs">The shapes of one sample's inputs; their count fits <see cref="Inputs"/>.</param>
    /// <exception cref="DistNetException">The inputs do not fit: one sentence with found and expected (the builder adds the node's name).</exception>
    public abstract Shape OutputShape(ImmutableArray<Shape> inputs);

    /// <summary>The parameters and buffers, in the order of declaration.</summary>
    /// <param name="inputs">The shapes of one sample's inputs.</param>
    public virtual ImmutableArray<ParameterDefinition> Parameters(ImmutableArray<Shape> inputs) => [];

    /// <summary>The memory it needs besides inputs, outputs and gradients.</summary>
    /// <param name="inputs">The shapes of one sample's inputs.</param>
    /// <param name="rows">The most rows of one call.</param>
    /// <param name="slices">The most slices of one call.</param>
    public virtual ModuleMemory Memory(ImmutableArray<Shape> inputs, int rows, int slices) => default;

    /// <summary>Whether <see cref="Backward"/> keeps what <see cref="ParameterGradient"/> sums, so that it is called even where nobody needs an input gradient.</summary>
    public virtual bool BackwardKeepsSums => false;

    /// <summary>Writes the output of some rows.</summary>
    public abstract void Forward(ForwardContext context);

    /// <summary>Writes each input gradient of some rows exactly once, from the output gradients.</summary>
    public abstract void Backward(BackwardContext context);

    /// <summary>Writes the floats [<paramref name="from"/>, <paramref name="to"/>) of one parameter's gradient, summed over the given slices by the canonical tree;
    /// for a buffer, of the sum over samples of its change (<see cref="ParameterRole.Buffer"/>). Callers split a parameter at multiples of <see cref="ParameterDefinition.SplitLength"/>.</summary>
    /// <param name="context">The slices and what they hold.</param>
    /// <param name="parameter">The parameter's index.</param>
    /// <param name="from">The first float.</param>
    /// <param name="to">The float after the last.</param>
    public virtual void ParameterGradient(ParameterGradientContext context, int parameter, int from, int to) =>
        throw new NotSupportedException($"The module '{Kind}' names parameters but has no {nameof(ParameterGradient)}.");

    /// <summary>Writes one sample's output in double precision, by the plainest code: what gradients are checked against.</summary>
    public virtual void ForwardReference(ReferenceContext context) =>
        throw DistNetException.Usage($"The module '{Kind}' has no {nameof(ForwardReference)}, so its gradients cannot be checked.");

    /// <summary>Writes the outputs of one slice's samples: one by one, but for a rule by which samples of a slice depend on each other.</summary>
    /// <param name="slice">The samples that exist here, in order; at least one.</param>
    public virtual void ForwardReferences(ReadOnlySpan<ReferenceContext> slice)
    {
        foreach (ReferenceContext sample in slice)
        {
            ForwardReference(sample);
        }
    }

    /// <summary>What a node's random numbers are for, a part of their key.</summary>
    internal virtual RandomPurpose RandomPurpose => RandomPurpose.Dropout;

    /// <summary>Whether the output has the very values of the (first) input, so that both share storage and <see cref="Forward"/> is not called.</summary>
    internal virtual bool OutputIsInput => false;

    /// <summary>Whether every input gradient has the very values of the output gradient, so that they share storage and <see cref="Backward"/> is not called.</summary>
    internal virtual bool InputGradientIsOutputGradient => false;

    /// <summary>Whether <see cref="ParameterGradient"/> reads nothing but the input and the output gradient: it may then be called once for all slices of a pass, though they went through the model in
    /// several waves, where keeping what it reads costs less than adding up what it writes.</summary>
    internal virtual bool GradientNeedsOperandsAlone => false;

    /// <summary>Whether this rule computes that of the node before it along with its own, in both directions, where it is the only one that reads it: the node before is then not called,
    /// shares its storage with its input, and <see cref="ModuleContext.TakesIn"/> says so.</summary>
    /// <param name="before">The rule of the node that gives the (only) input.</param>
    /// <param name="inputs">The shapes of one sample's inputs.</param>
    internal virtual bool CanTakeIn(Module before, ImmutableArray<Shape> inputs) => false;

    /// <summary>Whether <see cref="Forward"/>, where this rule is the only one that reads the model's input, gathers it too (<see cref="ForwardContext.Gather"/>), and writes the output over it:
    /// both share storage, and <see cref="ModuleContext.TakesIn"/> says so.</summary>
    internal virtual bool CanGather => false;

    /// <summary>Whether <see cref="ParameterGradient"/> reads nothing but what was kept for samples and slices.</summary>
    internal virtual bool GradientNeedsSumsAlone => false;

    /// <summary>What <see cref="Backward"/> and <see cref="ParameterGradient"/> read of the forward pass, besides what it kept (PyTorch: saved tensors): a gradient may be written over the rest.</summary>
    internal virtual ForwardValues BackwardReads => ForwardValues.All;

    /// <summary>Whether <see cref="Backward"/> may write the input gradient over the (first) output gradient: element by element, no parameters, one input.</summary>
    internal virtual bool BackwardInPlace => false;
}

/// <summary>How many inputs a module takes.</summary>
/// <param name="Minimum">At least so many.</param>
/// <param name="Maximum">At most so many.</param>
public readonly record struct InputCount(int Minimum, int Maximum)
{
    /// <summary>Exactly one.</summary>
    public static InputCount One => new(1, 1);

    /// <summary>As <c>2</c> or <c>at least 2</c>.</summary>
    public override string ToString() => Minimum == Maximum ? $"{Minimum}" : Maximum == int.MaxValue ? $"at least {Minimum}" : $"{Minimum} to {Maximum}";
}

/// <summary>One parameter or buffer of a module.</summary>
/// <param name="Name">What follows the node's name: <c>weight</c> gives <c>fc1.weight</c>.</param>
/// <param name="Shape">Its shape; a Linear weight is [out, in].</param>
/// <param name="Role">What it is for.</param>
/// <param name="FanIn">How many inputs one output is a sum of, for initialisation; at least 1.</param>
/// <param name="SplitLength">The gradient is shared out to threads in multiples of so many floats (a row of a matrix, say); at least 1.</param>
/// <param name="Start">The value it starts from whatever the initialisation; null where that decides.</param>
public sealed record ParameterDefinition(string Name, Shape Shape, ParameterRole Role, int FanIn = 1, int SplitLength = 1, float? Start = null);

/// <summary>What a module needs besides inputs, outputs and gradients, in floats.</summary>
/// <param name="SavedPerSample">Kept for each sample from the forward to the backward pass: a dropout mask.</param>
/// <param name="Scratch">Used within one call, by one thread.</param>
/// <param name="SavedPerSlice">Kept for each slice from one rule to the next: its statistics.</param>
public readonly record struct ModuleMemory(int SavedPerSample = 0, int Scratch = 0, int SavedPerSlice = 0);
