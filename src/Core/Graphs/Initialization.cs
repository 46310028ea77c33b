using DistNet.Modules;
using DistNet.Randomness;
using DistNet.Tensors;
using DistNet.Training;

namespace DistNet.Graphs;

/// <summary>Where parameters start (lecture, "Weight initialisation").</summary>
/// <remarks>
/// Each parameter has its own stream of randomness, keyed by seed and name: its values do not depend on the other parameters or their order.
/// <para>Kaiming: a weight of a module with fan-in n is uniform in ±gain·√(3/n), which has the standard deviation gain/√n (the lecture's "inversely proportional to the square
/// root of the number of inputs"); biases are 0 and scales 1. The gain is that of the module that consumes the output (<see cref="Module.Gain"/>), looked for through
/// modules that have none (Duplicate, Dropout, Flatten, pools, the borders of a Select and such); of several consumers the first one's in the order of the graph that is not 1, and 1 at the loss. A shared weight takes the gain of its first use.</para>
/// <para>PyTorch: weights and biases of fan-in n are uniform in ±1/√n, the default of PyTorch's Linear; scales are 1.</para>
/// <para>By either, what has a start of its own begins there (<see cref="ParameterDefinition.Start"/>): the biases of norms at 0, running variances at 1.</para>
/// </remarks>
public static class Initialization
{
    /// <summary>Writes all parameters.</summary>
    /// <param name="graph">The model.</param>
    /// <param name="scheme">The rule.</param>
    /// <param name="seed">The seed of the run.</param>
    /// <param name="parameters">An arena of the graph's layout.</param>
    public static void Initialize(Graph graph, InitializationScheme scheme, ulong seed, Arena parameters)
    {
        ArgumentNullException.ThrowIfNull(graph);
        ArgumentNullException.ThrowIfNull(parameters);
        foreach (GraphNode node in graph.Nodes)
        {
            foreach (ParameterUse use in node.Parameters)
            {
                if (use.Use == 0)
                {
                    Initialize(graph, node, use, scheme, seed, parameters[use.Entry]);
                }
            }
        }
    }

    /// <summary>The gain by which Kaiming initialisation scales a node's weights.</summary>
    public static double Gain(Graph graph, GraphNode node)
    {
        ArgumentNullException.ThrowIfNull(graph);
        ArgumentNullException.ThrowIfNull(node);
        foreach (int output in node.Outputs)
        {
            // Values have one consumer each, the last one the loss.
            GraphNode? consumer = graph.Nodes.FirstOrDefault(candidate => candidate.Inputs.Contains(output));
            double gain = consumer is null ? 1 : consumer.Module.Gain ?? Gain(graph, consumer);
            if (gain != 1)
            {
                return gain;
            }
        }

        return 1;
    }

    private static void Initialize(Graph graph, GraphNode node, ParameterUse use, InitializationScheme scheme, ulong seed, Span<float> values)
    {
        ParameterDefinition definition = use.Definition;
        if (definition.Start is { } start)
        {
            values.Fill(start);
        }
        else if (definition.Role == ParameterRole.Scale)
        {
            values.Fill(1);
        }
        else if (scheme == InitializationScheme.PyTorch)
        {
            Uniform(1 / Math.Sqrt(definition.FanIn), seed, use.Entry.Name, values);
        }
        else if (definition.Role == ParameterRole.Bias)
        {
            values.Clear();
        }
        else
        {
            Uniform(Gain(graph, node) * Math.Sqrt(3.0 / definition.FanIn), seed, use.Entry.Name, values);
        }
    }

    private static void Uniform(double bound, ulong seed, string name, Span<float> values)
    {
        KeyedRandom.Uniform(seed, KeyedRandom.Stream(RandomPurpose.Initialization, name), 0, 0, values);
        foreach (ref float value in values)
        {
            value = (float)(((2.0 * value) - 1) * bound);
        }
    }
}
