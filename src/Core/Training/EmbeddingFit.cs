using System.Collections.Immutable;
using DistNet.Data;
using DistNet.Graphs;
using DistNet.Modules;

namespace DistNet.Training;

/// <summary>Whether each embedding has a vector for every category of the columns that it looks up: told before the first step.</summary>
internal static class EmbeddingFit
{
    /// <exception cref="DistNetException">A vocabulary is too small: a sentence that names the node and the column.</exception>
    public static void Check(Graph graph, ImmutableArray<FeatureColumn> columns)
    {
        FeatureColumn[] features = [.. columns.SelectMany(column => Enumerable.Repeat(column, column.Width))];
        foreach (GraphNode node in graph.Nodes)
        {
            if (node.Module is not Embedding embedding || features.Length != graph.InputShape.Length)
            {
                continue;
            }

            foreach (int feature in FeaturesOf(graph, node.Inputs[0]))
            {
                int codes = feature < 0 || features[feature].Rule.Categories != CategoryEncoding.Codes
                    ? 0
                    : features[feature].Categories.Length + (features[feature].Rule.Unknown == UnknownCategory.Own ? 1 : 0);
                if (codes > embedding.Vocabulary)
                {
                    string name = features[feature].Name.Length > 0 ? $"'{features[feature].Name}'" : FormattableString.Invariant($"of feature {feature}");
                    throw DistNetException.BadInput(FormattableString.Invariant(
                        $"Node '{node.Name}' (embedding) has a vocabulary of {embedding.Vocabulary}, but the column {name} has {codes} codes; expected a vocabulary of {codes}."));
                }
            }
        }
    }

    // The feature that each element of a value is; −1 where it is something else.
    private static int[] FeaturesOf(Graph graph, int value)
    {
        if (graph.Values[value].Producer < 0)
        {
            return [.. Enumerable.Range(0, graph.InputShape.Length)];
        }

        GraphNode node = graph.Nodes[graph.Values[value].Producer];
        return node.Module switch
        {
            Columns columns when node.OutputShape.Rank == 1 => FeaturesOf(graph, node.Inputs[0])[columns.First..(columns.First + columns.Count)],
            Concat when node.OutputShape.Rank == 1 => [.. node.Inputs.SelectMany(input => FeaturesOf(graph, input))],
            Flatten or Reshape or Duplicate or Normalization => FeaturesOf(graph, node.Inputs[0]),
            _ => [.. Enumerable.Repeat(-1, node.OutputShape.Length)],
        };
    }
}
