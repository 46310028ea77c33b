using System.Collections.Immutable;
using DistNet.Tensors;

namespace DistNet.Modules;

/// <summary>One derivative rule: it owns options and names parameters, never activations.</summary>
public abstract class Module
{
    /// <summary>The word for it in a job file, <c>linear</c>.</summary>
    public abstract string Kind { get; }

    /// <summary>The shape of one sample's output.</summary>
    /// <param name="inputs">The shapes of one sample's inputs.</param>
    /// <exception cref="DistNetException">The inputs do not fit.</exception>
    public abstract Shape OutputShape(ImmutableArray<Shape> inputs);
}
