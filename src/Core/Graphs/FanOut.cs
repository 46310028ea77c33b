using System.Globalization;
using DistNet.Modules;

namespace DistNet.Graphs;

/// <summary>Gives every output exactly one consumer: where several nodes use one output, an n-way Duplicate comes between.</summary>
/// <remarks>Its backward rule sums the gradients in the order in which the users stand in the graph, and by input within a user, so that no engine code needs <c>+=</c>.</remarks>
internal static class FanOut
{
    public static void MakeExplicit(List<DraftNode> order)
    {
        CheckDuplicates(order);
        HashSet<string> names = [ModelDefinition.InputName, .. order.Select(node => node.Name)];
        Dictionary<DraftSource, List<(DraftNode Node, int Input)>> users = UsersOf(order);
        List<DraftNode> inserted = [];
        Insert(ModelDefinition.InputName, 0, 0);
        List<DraftNode> result = [.. inserted];
        foreach (DraftNode node in order)
        {
            inserted.Clear();
            for (int output = 0; output < node.Module.Outputs; output++)
            {
                Insert(node.Name, output, node.DomainOf(output));
            }

            result.Add(node);
            result.AddRange(inserted);
        }

        order.Clear();
        order.AddRange(result);

        void Insert(string producer, int output, int domain)
        {
            DraftSource source = new(producer, output);
            if (!users.TryGetValue(source, out List<(DraftNode Node, int Input)>? uses) || uses.Count < 2)
            {
                return;
            }

            DraftNode duplicate = new(Unused(producer, output, names), new Duplicate(uses.Count), domain);
            duplicate.Inputs.Add(source);
            for (int use = 0; use < uses.Count; use++)
            {
                uses[use].Node.Inputs[uses[use].Input] = new DraftSource(duplicate.Name, use);
            }

            inserted.Add(duplicate);
        }
    }

    // A Duplicate of the model's own gives its outputs to its users in the order of the graph.
    private static void CheckDuplicates(List<DraftNode> order)
    {
        foreach (DraftNode duplicate in order.Where(node => node.Module.Outputs > 1 && node.OutputDomains is null))
        {
            int next = 0;
            foreach (DraftNode user in order)
            {
                for (int input = 0; input < user.Inputs.Count; input++)
                {
                    if (user.Inputs[input].Node == duplicate.Name)
                    {
                        user.Inputs[input] = new DraftSource(duplicate.Name, next++);
                    }
                }
            }

            if (next != duplicate.Module.Outputs)
            {
                throw DistNetException.BadInput(
                    $"Node '{duplicate.Name}' ({duplicate.Module.Kind}) has {duplicate.Module.Outputs} outputs, but {next} inputs of other nodes use it; the numbers must be the same.");
            }
        }
    }

    private static Dictionary<DraftSource, List<(DraftNode Node, int Input)>> UsersOf(List<DraftNode> order)
    {
        Dictionary<DraftSource, List<(DraftNode, int)>> users = [];
        foreach (DraftNode node in order)
        {
            for (int input = 0; input < node.Inputs.Count; input++)
            {
                if (!users.TryGetValue(node.Inputs[input], out List<(DraftNode, int)>? uses))
                {
                    users[node.Inputs[input]] = uses = [];
                }

                uses.Add((node, input));
            }
        }

        return users;
    }

    private static string Unused(string producer, int output, HashSet<string> names)
    {
        string name = output == 0 ? producer + ".duplicate" : $"{producer}.duplicate{output.ToString(CultureInfo.InvariantCulture)}";
        while (!names.Add(name))
        {
            name += "_";
        }

        return name;
    }
}
