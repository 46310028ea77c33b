using System.Collections.Immutable;
using System.Globalization;
using DistNet.Tensors;

namespace DistNet.Modules;

/// <summary>The same values in another shape, row-major: [784] becomes [1, 28, 28]. Costs nothing: output and input share storage.</summary>
public sealed class Reshape : Module
{
    /// <summary>Creates the rule.</summary>
    /// <param name="dimensions">The dimensions of one sample, outermost first; one of them may be −1, for what the others leave.</param>
    public Reshape(params ReadOnlySpan<int> dimensions)
    {
        Dimensions = [.. dimensions];
        if (Dimensions.IsEmpty || Dimensions.Any(dimension => dimension is 0 or < -1) || Dimensions.Count(dimension => dimension == -1) > 1)
        {
            throw DistNetException.BadInput($"A module of kind reshape has the shape {Words}; it needs dimensions of at least 1, of which one may be -1.");
        }
    }

    /// <summary>The dimensions, as given.</summary>
    public ImmutableArray<int> Dimensions { get; }

    /// <inheritdoc/>
    public override string Kind => "reshape";

    /// <inheritdoc/>
    public override double? Gain => null;

    internal override bool OutputIsInput => true;

    internal override bool InputGradientIsOutputGradient => true;

    private string Words => $"[{string.Join(", ", Dimensions.Select(dimension => dimension.ToString(CultureInfo.InvariantCulture)))}]";

    internal override ForwardValues BackwardReads => ForwardValues.None;

    /// <inheritdoc/>
    public override Shape OutputShape(ImmutableArray<Shape> inputs)
    {
        bool open = Dimensions.Contains(-1);
        int length = inputs[0].Length;
        long known = 1;
        foreach (int dimension in Dimensions)
        {
            // What is more than there are values already may become no more: it would overflow.
            known *= dimension == -1 || known > length ? 1 : dimension;
        }

        if (open ? length % known != 0 : length != known)
        {
            throw DistNetException.BadInput($"its input {inputs[0]} has {length} values, which cannot take the shape {Words}");
        }

        return new Shape([.. Dimensions.Select(dimension => dimension == -1 ? (int)(length / known) : dimension)]);
    }

    /// <inheritdoc/>
    public override void Forward(ForwardContext context) => context.Input(0).CopyTo(context.Output);

    /// <inheritdoc/>
    public override void Backward(BackwardContext context) => context.OutputGradient.CopyTo(context.InputGradient(0));

    /// <inheritdoc/>
    public override void ForwardReference(ReferenceContext context) => context.Input(0).CopyTo(context.Output);
}
