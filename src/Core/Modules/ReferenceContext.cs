using System.Collections.Immutable;
using DistNet.Tensors;

namespace DistNet.Modules;

/// <summary>What <see cref="Module.ForwardReference"/> sees: one sample, in double precision.</summary>
public sealed class ReferenceContext
{
    internal ReferenceContext(ImmutableArray<Shape> inputShapes, Shape outputShape, double[][] inputs, double[][] parameters, double[] output)
    {
        InputShapes = inputShapes;
        OutputShape = outputShape;
        Inputs = inputs;
        Parameters = parameters;
        OutputValues = output;
    }

    /// <summary>The shapes of the inputs.</summary>
    public ImmutableArray<Shape> InputShapes { get; }

    /// <summary>The shape of the output.</summary>
    public Shape OutputShape { get; }

    /// <summary>The output to write.</summary>
    public Span<double> Output => OutputValues;

    /// <summary>Whether this is a training pass.</summary>
    public bool Training { get; internal init; }

    /// <summary>Whether the node is frozen.</summary>
    public bool Frozen { get; internal init; }

    /// <summary>The seed of the run.</summary>
    public ulong Seed { get; internal init; }

    /// <summary>The step, as a part of the key of randomness.</summary>
    public uint Step { get; internal init; }

    /// <summary>The node's own stream of randomness.</summary>
    public uint RandomStream { get; internal init; }

    /// <summary>The sample's place in the batch.</summary>
    public uint Place { get; internal set; }

    internal double[][] Inputs { get; }

    internal double[][] Parameters { get; }

    internal double[] OutputValues { get; }

    /// <summary>An input.</summary>
    public ReadOnlySpan<double> Input(int index) => Inputs[index];

    /// <summary>A parameter's values.</summary>
    public ReadOnlySpan<double> Parameter(int index) => Parameters[index];
}
