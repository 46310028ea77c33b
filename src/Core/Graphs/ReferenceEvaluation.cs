using DistNet.Losses;
using DistNet.Modules;
using DistNet.Randomness;

namespace DistNet.Graphs;

/// <summary>Evaluates a graph one slice at a time, in double precision and by the plainest code: a second implementation to check the first against.</summary>
internal sealed class ReferenceEvaluation
{
    private readonly Graph graph;
    private readonly Loss loss;
    private readonly PassInput input;
    private readonly int sliceSize;
    private readonly float[] samples;
    private readonly Sample[] slice;
    private readonly ReferenceContext[] present;

    public ReferenceEvaluation(Graph graph, Loss loss, in PassInput input, int sliceSize, bool training)
    {
        this.graph = graph;
        this.loss = loss;
        this.input = input;
        this.sliceSize = sliceSize;
        samples = new float[input.Samples.Length * graph.InputShape.Length];
        input.Data.CopyInputs(input.Samples.Span, samples);
        Parameters = [.. graph.Layout.Entries.Select(entry => new double[entry.Length])];
        slice = new Sample[Math.Min(sliceSize, input.Samples.Length)];
        present = new ReferenceContext[slice.Length];
        for (int row = 0; row < slice.Length; row++)
        {
            slice[row] = new Sample(graph, input, Parameters, training);
        }
    }

    /// <summary>Parameters and buffers, in the order of the layout; to be set, and changed between evaluations.</summary>
    public double[][] Parameters { get; }

    /// <summary>The sum of the samples' weighted losses.</summary>
    public double Loss()
    {
        double sum = 0;
        ReadOnlySpan<int> indexes = input.Samples.Span;
        for (int first = 0; first < indexes.Length; first += sliceSize)
        {
            int rows = Math.Min(sliceSize, indexes.Length - first);
            Evaluate(first, rows);
            for (int row = 0; row < rows; row++)
            {
                int index = indexes[first + row];
                int label = input.Data.Labels.IsEmpty ? 0 : input.Data.Labels[index];
                int width = input.Data.TargetWidth;
                sum += loss.Reference(slice[row].Values[graph.OutputValue], label, input.Data.Targets.Slice(index * width, width));
            }
        }

        return sum;
    }

    private void Evaluate(int first, int rows)
    {
        int width = graph.InputShape.Length;
        for (int row = 0; row < rows; row++)
        {
            slice[row].Begin(samples.AsSpan((first + row) * width, width), (uint)(input.FirstPlace + first + row));
        }

        for (int index = 0; index < graph.Nodes.Length; index++)
        {
            GraphNode node = graph.Nodes[index];
            int count = 0;
            foreach (Sample sample in slice.AsSpan(0, rows))
            {
                if (!sample.Domains[node.Domain])
                {
                    continue;
                }

                switch (node.Module)
                {
                    case Route route:
                        int branch = route.Rule.Choose(Array.ConvertAll(sample.Values[node.Inputs[0]], value => (float)value));
                        sample.Domains[graph.Values[node.Outputs[branch]].Domain] = true;
                        break;
                    case Merge:
                        int taken = node.Inputs.First(value => sample.Domains[graph.Values[value].Domain]);
                        sample.Values[taken].CopyTo(sample.Values[node.Outputs[0]], 0);
                        break;
                    default:
                        present[count++] = sample.Contexts[index];
                        break;
                }
            }

            if (count > 0)
            {
                node.Module.ForwardReferences(present.AsSpan(0, count));
            }
        }
    }

    /// <summary>One sample of the slice: its values, and the domains that it belongs to.</summary>
    private sealed class Sample
    {
        public Sample(Graph graph, in PassInput input, double[][] parameters, bool training)
        {
            Domains = new bool[graph.Domains.Length];
            Values = new double[graph.Values.Length][];
            Values[0] = new double[graph.InputShape.Length];
            Contexts = new ReferenceContext[graph.Nodes.Length];
            for (int index = 0; index < Contexts.Length; index++)
            {
                GraphNode node = graph.Nodes[index];
                foreach (int output in node.Outputs)
                {
                    // Several outputs have equal values, or (a route) only one of them is read.
                    Values[output] = node.Outputs.Length > 1 ? Values[node.Inputs[0]] : new double[node.OutputShape.Length];
                }

                double[][] inputs = [.. node.Inputs.Select(value => Values[value])];
                double[][] used = [.. node.Parameters.Select(use => parameters[graph.Layout.Entries.IndexOf(use.Entry)])];
                Contexts[index] = new ReferenceContext(node.InputShapes, node.OutputShape, inputs, used, Values[node.Outputs[0]])
                {
                    Training = training,
                    Frozen = node.Frozen,
                    Seed = input.Seed,
                    Step = unchecked((uint)input.Step),
                    RandomStream = KeyedRandom.Stream(node.Module.RandomPurpose, node.Name),
                };
            }
        }

        public bool[] Domains { get; }

        public double[][] Values { get; }

        public ReferenceContext[] Contexts { get; }

        public void Begin(ReadOnlySpan<float> sample, uint place)
        {
            for (int i = 0; i < sample.Length; i++)
            {
                Values[0][i] = sample[i];
            }

            Array.Clear(Domains);
            Domains[0] = true;
            foreach (ReferenceContext context in Contexts)
            {
                context.Place = place;
            }
        }
    }
}
