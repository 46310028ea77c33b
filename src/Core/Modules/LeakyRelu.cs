using System.Collections.Immutable;
using System.Globalization;
using DistNet.Kernels;
using DistNet.Tensors;

namespace DistNet.Modules;

/// <summary>y = x, and slope·x where x &lt; 0.</summary>
/// <remarks>dx = dy, and slope·dy where x &lt; 0: the whole gradient passes at x = 0, as with <see cref="Relu"/> (PyTorch gives slope·dy there).</remarks>
public sealed class LeakyRelu : Module
{
    private readonly float slope;

    /// <summary>Creates the rule.</summary>
    /// <param name="slope">The slope below 0; finite.</param>
    public LeakyRelu(double slope = 0.01)
    {
        this.slope = (float)slope;
        if (!float.IsFinite(this.slope))
        {
            throw DistNetException.BadInput($"A module of kind leaky-relu has the slope {slope.ToString(CultureInfo.InvariantCulture)}; it must be a finite float.");
        }

        Slope = slope;
    }

    /// <summary>The slope below 0.</summary>
    public double Slope { get; }

    /// <inheritdoc/>
    public override string Kind => "leaky-relu";

    /// <inheritdoc/>
    public override double? Gain => Math.Sqrt(2 / (1 + (Slope * Slope)));

    internal override bool BackwardInPlace => true;

    internal override ForwardValues BackwardReads => ForwardValues.Inputs;

    /// <inheritdoc/>
    public override Shape OutputShape(ImmutableArray<Shape> inputs) => inputs[0];

    /// <inheritdoc/>
    public override void Forward(ForwardContext context) => Elementwise.LeakyRelu(context.Unit, context.Input(0), slope, context.Output);

    /// <inheritdoc/>
    public override void Backward(BackwardContext context) =>
        Elementwise.LeakyReluBackward(context.Unit, context.Input(0), slope, context.OutputGradient, context.InputGradient(0));

    /// <inheritdoc/>
    public override void ForwardReference(ReferenceContext context)
    {
        for (int i = 0; i < context.Output.Length; i++)
        {
            double x = context.Input(0)[i];
            context.Output[i] = x < 0 ? slope * x : x;
        }
    }
}
