using System.Collections.Immutable;
using DistNet.Losses;
using DistNet.Modules;

namespace DistNet.Graphs;

/// <summary>What a model does that its author probably did not mean.</summary>
internal static class GraphWarnings
{
    public static ImmutableArray<string> Of(ImmutableArray<GraphNode> nodes, ImmutableArray<GraphValue> values, int output, LossOptions loss)
    {
        if (loss.Kind == LossKind.MeanSquaredError)
        {
            return [];
        }

        var warnings = ImmutableArray.CreateBuilder<string>();
        string name = loss.Kind == LossKind.CrossEntropy ? "cross-entropy" : "binary-cross-entropy";
        Look(output);
        return warnings.ToImmutable();

        // Backwards from the loss, through modules that only pass values on.
        void Look(int value)
        {
            if (values[value].Producer < 0)
            {
                return;
            }

            GraphNode node = nodes[values[value].Producer];
            switch (node.Module)
            {
                case SoftMax:
                    warnings.Add($"Node '{node.Name}' is a softmax before the loss {name}, which takes the softmax itself: gradients vanish where it saturates; remove it.");
                    break;
                case LogSoftMax when loss.Kind == LossKind.CrossEntropy:
                    warnings.Add($"Node '{node.Name}' is a log-softmax before the loss {name}, which takes it itself: harmless, but it costs time; remove it.");
                    break;
                case Sigmoid:
                    warnings.Add($"Node '{node.Name}' is a sigmoid before the loss {name}, which expects logits: gradients vanish where it saturates; remove it.");
                    break;
                case { Gain: null }:
                    foreach (int input in node.Inputs)
                    {
                        Look(input);
                    }

                    break;
            }
        }
    }
}
