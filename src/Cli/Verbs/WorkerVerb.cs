using System.CommandLine;
using System.Globalization;
using DistNet.Cli.Consoles;
using DistNet.Protocol;
using DistNet.Worker.Data;
using DistNet.Worker.Node;

namespace DistNet.Cli.Verbs;

/// <summary><c>distnet worker --join HOST:PORT</c>.</summary>
internal static class WorkerVerb
{
    private const int DefaultGiveUpSeconds = 600;

    public static Command Create(Terminal terminal)
    {
        var cluster = new ClusterOptions();
        var join = new Option<string>("--join") { Description = "The coordinator's address.", HelpName = "HOST:PORT", Required = true };
        Option<int?> threads = CommandTree.Count("--threads", "Compute threads; by default one per core.");
        var processors = new Option<string?>("--processors") { Description = "The processors it runs on, as 0-3,6; by default all. Give each worker its own where several fill a machine.", HelpName = "LIST" };
        var name = new Option<string?>("--name") { Description = "The worker's name, unique in the run; by default host and process.", HelpName = "NAME" };
        Option<string?> data = new("--data") { Description = "A folder with copies of the job's data files; what is not there is fetched from the coordinator.", HelpName = "DIR" };
        var cache = new Option<string?>("--cache") { Description = "The folder of fetched data files.", HelpName = "DIR" };
        var controlBind = new Option<string?>("--control-bind") { Description = "Where the control plane listens; by default towards the coordinator, at a port that the system chooses.", HelpName = "HOST:PORT" };
        var publicControl = new Option<string?>("--public-control") { Description = "The address by which the coordinator reaches --control-bind, where it is another.", HelpName = "HOST:PORT" };
        Option<int?> giveUp = CommandTree.Count("--give-up-after", string.Create(CultureInfo.InvariantCulture, $"Seconds to seek a coordinator in vain; by default {DefaultGiveUpSeconds}."));
        var quiet = new Option<bool>("--quiet") { Description = "Print warnings and errors alone." };
        Option<bool> json = CommandTree.Json("Print one JSON object per line: joined, seeking, message, warning, ended or error.");
        var command = new Command("worker", "Take part in runs that a coordinator leads.");
        foreach (Option option in new Option[] { join, threads, processors, name, data, cache, controlBind, publicControl, giveUp })
        {
            command.Options.Add(option);
        }

        cluster.AddTo(command);
        command.Options.Add(quiet);
        command.Options.Add(json);
        command.SetAction(parsed =>
        {
            if (parsed.GetValue(processors) is { } list)
            {
                ProcessorSet.Use(list, processors.Name);
            }

            var display = WorkerDisplay.Create(terminal, parsed.GetValue(quiet), parsed.GetValue(json));
            var options = new WorkerNodeOptions
            {
                Join = HostPort.Parse(parsed.GetRequiredValue(join), join.Name),
                Data = new WorkerDataOptions { DataFolder = parsed.GetValue(data), CacheFolder = parsed.GetValue(cache) ?? WorkerDataOptions.DefaultCacheFolder() },
                ControlBind = ClusterOptions.Address(parsed, controlBind),
                PublicControl = ClusterOptions.Address(parsed, publicControl),
                SharedMemory = cluster.MayShareMemory(parsed),
                GiveUpAfter = TimeSpan.FromSeconds(parsed.GetValue(giveUp) ?? DefaultGiveUpSeconds),
                Token = cluster.Token(parsed),
                Tls = cluster.Certificates(parsed),
                Insecure = parsed.GetValue(cluster.Insecure),
                Observer = display,
            };
            options = options with
            {
                Name = parsed.GetValue(name) ?? options.Name,
                Threads = parsed.GetValue(threads) ?? options.Threads,
            };
            using var signals = new StopSignals(parsed.GetValue(cluster.Supervised));
            WorkerEnd end = WorkerNode.RunAsync(options, signals.Token).GetAwaiter().GetResult();
            display.Ended(end);
            return 0;
        });
        return command;
    }
}
