using System.Globalization;
using DistNet.Faults;

// faults [--epochs N] [--seconds S] [--seed K] SCENARIO...
const string Usage = "usage: faults [--epochs N] [--seconds S] [--seed K] kill-workers|freeze-workers|kill-coordinator|down-to-zero|soak ...";
int epochs = 400;
double seconds = 300;
int seed = Environment.TickCount & 0xFFFF;
List<string> scenarios = [];
for (int i = 0; i < args.Length; i++)
{
    switch (args[i])
    {
        case "--epochs":
            epochs = int.Parse(args[++i], CultureInfo.InvariantCulture);
            break;
        case "--seconds":
            seconds = double.Parse(args[++i], CultureInfo.InvariantCulture);
            break;
        case "--seed":
            seed = int.Parse(args[++i], CultureInfo.InvariantCulture);
            break;
        default:
            scenarios.Add(args[i]);
            break;
    }
}

string[] known = ["kill-workers", "freeze-workers", "kill-coordinator", "down-to-zero", "soak"];
if (scenarios.Count == 0 || scenarios.Any(scenario => !known.Contains(scenario)))
{
    Console.Error.WriteLine(Usage);
    return 2;
}

Workshop.Say($"seed {seed}");
Random random = new(seed);
try
{
    if (scenarios.Remove("soak"))
    {
        using Workshop endless = new(epochs: 1_000_000);
        new Soak(endless, random, seconds).Play();
    }

    if (scenarios.Count > 0)
    {
        using Workshop workshop = new(epochs);
        Scenarios all = new(workshop, workshop.Undisturbed(), random);
        foreach (string scenario in scenarios)
        {
            Action play = scenario switch
            {
                "kill-workers" => all.KillWorkers,
                "freeze-workers" => all.FreezeWorkers,
                "kill-coordinator" => all.KillCoordinator,
                _ => all.DownToZero,
            };
            play();
        }
    }

    return 0;
}
catch (FaultException failure) when (Witness.Testifies())
{
    Console.Error.WriteLine($"FAILED (seed {seed.ToString(CultureInfo.InvariantCulture)}): {failure.Message}");
    return 1;
}
