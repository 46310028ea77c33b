using System.Globalization;
using DistNet.Data;
using DistNet.Graphs;
using DistNet.Modules;

namespace DistNet.Training;

/// <summary>Whether each embedding has a vector for everything that it looks up: told before the first step, and before anything is written.</summary>
/// <remarks>A column of codes has as many as it has categories. Any other feature must reach the embedding as it is, and is looked at in all data.</remarks>
internal static class EmbeddingFit
{
    /// <exception cref="DistNetException">A vocabulary is too small, or a feature is normalised or holds no codes: a sentence that names the node and the column.</exception>
    public static void Check(Graph graph, LoadedData data)
    {
        List<Lookup> values = [];
        foreach (Lookup lookup in Lookups(graph, data))
        {
            if (lookup.Column is { Rule.Categories: CategoryEncoding.Codes } column)
            {
                CheckCodes(lookup, column);
            }
            else if (data.Normalization is not null && lookup.Column is null or { Categories.IsEmpty: true })
            {
                throw DistNetException.BadInput($"{lookup.Subject} looks up {lookup.Shown}, which is normalised; expected data.normalize: none, or a column with categories: codes.");
            }
            else
            {
                values.Add(lookup);
            }
        }

        if (values.Count > 0)
        {
            CheckValues(values, data.Train, "training");
            CheckValues(values, data.Validation, "validation");
            CheckValues(values, data.Test, "test");
        }
    }

    private static IEnumerable<Lookup> Lookups(Graph graph, LoadedData data)
    {
        FeatureColumn[] columns = [.. data.Columns.SelectMany(column => Enumerable.Repeat(column, column.Width))];
        return from node in graph.Nodes
               where node.Module is Embedding
               from feature in FeaturesOf(graph, node.Inputs[0]).Distinct()
               where feature >= 0
               select new Lookup(node.Name, (Embedding)node.Module, feature, columns.Length == 0 ? null : columns[feature], data.FeatureNames.ElementAtOrDefault(feature) ?? "");
    }

    private static void CheckCodes(Lookup lookup, FeatureColumn column)
    {
        int codes = column.Categories.Length + (column.Rule.Unknown == UnknownCategory.Own ? 1 : 0);
        if (codes > lookup.Vocabulary)
        {
            throw DistNetException.BadInput(FormattableString.Invariant(
                $"{lookup.Subject} has a vocabulary of {lookup.Vocabulary}, but {lookup.Shown} has {codes} codes; expected a vocabulary of {codes}."));
        }
    }

    private static void CheckValues(List<Lookup> lookups, DataSplit? split, string name)
    {
        if (split is null)
        {
            return;
        }

        float[] inputs = new float[split.Data.InputShape.Length];
        for (int i = 0; i < split.Samples.Length; i++)
        {
            ReadOnlySpan<int> sample = split.Samples.Span.Slice(i, 1);
            split.Data.CopyInputs(sample, inputs);
            foreach (Lookup lookup in lookups)
            {
                float value = inputs[lookup.Feature];
                if (!lookup.Embedding.Has(value))
                {
                    throw DistNetException.BadInput(string.Create(
                        CultureInfo.InvariantCulture,
                        $"{lookup.Subject} looks up {lookup.Shown}, which is {value} in sample {sample[0]} of the {name} data; expected a whole number from 0 to {lookup.Vocabulary - 1}, as the vocabulary is {lookup.Vocabulary}."));
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

    // One feature that one embedding looks up; its column where the data are a table with rules.
    private sealed record Lookup(string Node, Embedding Embedding, int Feature, FeatureColumn? Column, string Name)
    {
        public int Vocabulary => Embedding.Vocabulary;

        public string Subject => $"Node '{Node}' (embedding)";

        public string Shown => (Column is { Name.Length: > 0 } ? Column.Name : Name) is { Length: > 0 } name ? $"the column '{name}'" : FormattableString.Invariant($"feature {Feature}");
    }
}
