using System.Globalization;
using System.Text;

namespace DistNet.Graphs;

/// <summary>A graph as a table of text: one line per node, then the number of parameters.</summary>
internal static class GraphDescription
{
    public static string Of(Graph graph)
    {
        List<string[]> rows = [["node", "module", "inputs", "output", "parameters"]];
        rows.Add([ModelDefinition.InputName, "", "", graph.InputShape.ToString(), ""]);
        foreach (GraphNode node in graph.Nodes)
        {
            rows.Add([node.Name, node.Module.Kind, string.Join(", ", node.Inputs.Select(input => Producer(graph, input))), node.OutputShape.ToString(), Parameters(node)]);
        }

        int[] widths = [.. Enumerable.Range(0, rows[0].Length).Select(column => rows.Max(row => row[column].Length))];
        StringBuilder text = new();
        foreach (string[] row in rows)
        {
            text.Append(string.Join("  ", row.Select((cell, column) => cell.PadRight(widths[column]))).TrimEnd()).Append('\n');
        }

        text.Append(CultureInfo.InvariantCulture, $"output: {graph.OutputName} {graph.OutputShape}; {graph.Layout.ParameterCount:N0} parameters\n");
        return text.ToString();
    }

    private static string Producer(Graph graph, int value) =>
        graph.Values[value].Producer < 0 ? ModelDefinition.InputName : graph.Nodes[graph.Values[value].Producer].Name;

    private static string Parameters(GraphNode node) =>
        string.Join(", ", node.Parameters.Select(use => use.Entry.Name == GraphBuilder.FullName(node.Name, use.Definition)
            ? $"{use.Definition.Name} {use.Entry.Shape}{(use.Entry.IsFrozen ? " (frozen)" : use.Entry.IsBuffer ? " (buffer)" : "")}"
            : $"{use.Entry.Name} (shared)"));
}
