using DistNet.Losses;
using DistNet.Modules;
using DistNet.Randomness;

namespace DistNet.Graphs;

/// <summary>Evaluates a graph one sample at a time, in double precision and by the plainest code: a second implementation to check the first against.</summary>
internal sealed class ReferenceEvaluation
{
    private readonly Graph graph;
    private readonly Loss loss;
    private readonly PassInput input;
    private readonly float[] samples;
    private readonly double[][] values;
    private readonly ReferenceContext[] contexts;
    private readonly bool[] active;

    public ReferenceEvaluation(Graph graph, Loss loss, in PassInput input, bool training)
    {
        this.graph = graph;
        this.loss = loss;
        this.input = input;
        active = new bool[graph.Domains.Length];
        samples = new float[input.Samples.Length * graph.InputShape.Length];
        input.Data.CopyInputs(input.Samples.Span, samples);
        Parameters = [.. graph.Layout.Entries.Select(entry => new double[entry.Length])];
        values = new double[graph.Values.Length][];
        values[0] = new double[graph.InputShape.Length];
        contexts = new ReferenceContext[graph.Nodes.Length];
        for (int index = 0; index < contexts.Length; index++)
        {
            contexts[index] = Context(graph.Nodes[index], training);
        }
    }

    /// <summary>The parameters, in the order of the layout; to be set, and changed between evaluations.</summary>
    public double[][] Parameters { get; }

    /// <summary>The sum of the samples' weighted losses.</summary>
    public double Loss()
    {
        double sum = 0;
        ReadOnlySpan<int> indexes = input.Samples.Span;
        for (int row = 0; row < indexes.Length; row++)
        {
            ReadOnlySpan<double> output = Output(row);
            int label = input.Data.Labels.IsEmpty ? 0 : input.Data.Labels[indexes[row]];
            int width = input.Data.TargetWidth;
            sum += loss.Reference(output, label, input.Data.Targets.Slice(indexes[row] * width, width));
        }

        return sum;
    }

    /// <summary>One sample's output.</summary>
    public ReadOnlySpan<double> Output(int row)
    {
        for (int i = 0; i < values[0].Length; i++)
        {
            values[0][i] = samples[(row * values[0].Length) + i];
        }

        Array.Clear(active);
        active[0] = true;
        for (int index = 0; index < contexts.Length; index++)
        {
            GraphNode node = graph.Nodes[index];
            if (!active[node.Domain])
            {
                continue;
            }

            switch (node.Module)
            {
                case Route route:
                    int branch = route.Rule.Choose(Array.ConvertAll(values[node.Inputs[0]], value => (float)value));
                    active[graph.Values[node.Outputs[branch]].Domain] = true;
                    break;
                case Merge:
                    int taken = node.Inputs.First(value => active[graph.Values[value].Domain]);
                    values[taken].CopyTo(values[node.Outputs[0]], 0);
                    break;
                default:
                    contexts[index].Place = (uint)(input.FirstPlace + row);
                    node.Module.ForwardReference(contexts[index]);
                    break;
            }
        }

        return values[graph.OutputValue];
    }

    private ReferenceContext Context(GraphNode node, bool training)
    {
        foreach (int output in node.Outputs)
        {
            // Several outputs have equal values, or (a route) only one of them is read.
            values[output] = node.Outputs.Length > 1 ? values[node.Inputs[0]] : new double[node.OutputShape.Length];
        }

        double[][] inputs = [.. node.Inputs.Select(value => values[value])];
        double[][] parameters = [.. node.Parameters.Select(use => Parameters[graph.Layout.Entries.IndexOf(use.Entry)])];
        return new ReferenceContext(node.InputShapes, node.OutputShape, inputs, parameters, values[node.Outputs[0]])
        {
            Training = training,
            Seed = input.Seed,
            Step = unchecked((uint)input.Step),
            RandomStream = KeyedRandom.Stream(node.Module.RandomPurpose, node.Name),
        };
    }
}
