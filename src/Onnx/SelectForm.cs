using DistNet.Graphs;
using DistNet.Modules;

namespace DistNet.Onnx;

/// <summary>The end of a Select. ONNX cannot route the samples of one batch to different branches: all branches are computed for all samples, and each sample's output
/// is chosen among them by the Select's rule.</summary>
internal static class SelectForm
{
    public static string Write(OnnxNode node)
    {
        (GraphNode route, string input) = node.Route;
        string values = route.InputShapes[0].Rank == 1 ? input : node.Add("Flatten", [input], ("axis", 1));
        return ((Route)route.Module).Rule switch
        {
            ThresholdRule rule => Threshold(rule, node, values),
            ArgMaxRule rule => ArgMax(rule, node, values),
            var other => throw DistNetException.BadInput(
                $"The select of node '{route.Name[..^".route".Length]}' cannot be exported: ONNX has no operation for a rule of one's own ({other.GetType().Name})."),
        };
    }

    private static string Threshold(ThresholdRule rule, OnnxNode node, string values)
    {
        string feature = node.Add("Gather", [values, node.Integers("feature", rule.Feature)], ("axis", 1));
        string below = node.Add("Less", [feature, node.Floats("threshold", [rule.Below])]);
        return Choose(node, below, node.Inputs[0], node.Inputs[1]);
    }

    // The first of equals wins, as in ArgMax of ONNX.
    private static string ArgMax(ArgMaxRule rule, OnnxNode node, string values)
    {
        string candidates = node.Add("Slice", [values, node.Integers("first", rule.First), node.Integers("end", rule.First + rule.Branches), node.Integers("axis", 1)]);
        string chosen = node.Add("ArgMax", [candidates], ("axis", 1), ("keepdims", 1));
        string output = node.Inputs[^1];
        for (int branch = rule.Branches - 2; branch >= 0; branch--)
        {
            string isChosen = node.Add("Equal", [chosen, node.Integers($"branch{branch}", branch)]);
            output = Choose(node, isChosen, node.Inputs[branch], output);
        }

        return output;
    }

    // The condition is [batch, 1]; it gets the rank of the branches' outputs.
    private static string Choose(OnnxNode node, string condition, string then, string otherwise)
    {
        int rank = node.OutputShape.Rank;
        string shaped = rank == 1 ? condition : node.Reshape(condition, [.. Enumerable.Repeat(1L, rank)]);
        return node.Add("Where", [shaped, then, otherwise]);
    }
}
