using System.Collections.Immutable;
using System.Globalization;
using DistNet.Kernels;
using DistNet.Randomness;
using DistNet.Tensors;

namespace DistNet.Modules;

/// <summary>In training, sets each value to 0 with probability p and scales the others by 1/(1 − p), so that nothing changes in evaluation (lecture, "Use dropout").</summary>
/// <remarks>dx = dy · scale. The mask is a function of (seed, step, the sample's place in the batch, the node's name) alone.</remarks>
public sealed class Dropout : Module
{
    /// <summary>Creates the rule.</summary>
    /// <param name="probability">The probability p of a zero, in [0, 1).</param>
    public Dropout(double probability = 0.5)
    {
        if (!(probability >= 0 && probability < 1))
        {
            throw DistNetException.BadInput(
                $"A dropout module has the probability {probability.ToString(CultureInfo.InvariantCulture)}; it must be at least 0 and less than 1.");
        }

        Probability = probability;
    }

    /// <summary>The probability of a zero, in [0, 1).</summary>
    public double Probability { get; }

    /// <inheritdoc/>
    public override string Kind => "dropout";

    /// <inheritdoc/>
    public override double? Gain => null;

    internal override bool BackwardInPlace => true;

    internal override ForwardValues BackwardReads => ForwardValues.None;

    /// <inheritdoc/>
    public override Shape OutputShape(ImmutableArray<Shape> inputs) => inputs[0];

    /// <inheritdoc/>
    public override ModuleMemory Memory(ImmutableArray<Shape> inputs, int rows, int slices) => new(SavedPerSample: inputs[0].Length);

    /// <inheritdoc/>
    public override void Forward(ForwardContext context)
    {
        if (!context.Training)
        {
            context.Input(0).CopyTo(context.Output);
            return;
        }

        int width = context.OutputShape.Length;
        Span<float> scale = context.Saved;
        for (int row = 0; row < context.Rows; row++)
        {
            KeyedRandom.DropoutMask(
                context.Unit, context.Seed, context.RandomStream, context.Step, context.Place(row), Probability, scale.Slice(row * width, width));
        }

        Elementwise.Multiply(context.Unit, context.Input(0), scale, context.Output);
    }

    /// <inheritdoc/>
    public override void Backward(BackwardContext context) =>
        Elementwise.Multiply(context.Unit, context.OutputGradient, context.Saved, context.InputGradient(0));

    /// <inheritdoc/>
    public override void ForwardReference(ReferenceContext context)
    {
        float[] scale = new float[context.OutputShape.Length];
        Array.Fill(scale, 1);
        if (context.Training)
        {
            KeyedRandom.DropoutMask(VectorUnit.Widest, context.Seed, context.RandomStream, context.Step, context.Place, Probability, scale);
        }

        for (int i = 0; i < scale.Length; i++)
        {
            context.Output[i] = context.Input(0)[i] * scale[i];
        }
    }
}
